package broker

import "sync/atomic"

// atomicError is an error that one goroutine sets and others read.
type atomicError struct{ p atomic.Pointer[error] }

func (a *atomicError) store(err error) { a.p.CompareAndSwap(nil, &err) }

func (a *atomicError) load() error {
	if p := a.p.Load(); p != nil {
		return *p
	}
	return nil
}
