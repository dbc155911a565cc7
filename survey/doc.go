// Package survey takes one look at the cellular modules of this machine.
//
//	serialport.Find ─► for each device: open its best port ─► ask ─► identify ─► what is still worth asking? ─► Module
//
// [Run] asks all devices side by side, each through one port, and falls back to the next
// port where one is held, refused or silent. It stops asking as soon as the knowledge says that it is sure.
//
// It promises that every cellular device which the kernel shows, and every port that a
// person named, stands in the result with its state and reason, whether it could be asked or
// not; that one device in trouble, or code in trouble over one device, takes nothing from the others; and that it
// ends in bounded time.
//
// It never opens a port that serialport did not allow, never keeps one open when it returns,
// and never sends anything itself.
package survey
