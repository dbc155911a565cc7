// Package collectortest makes what a collector's tests need: gateways that sign reports,
// and knowledge that reads plain answers.
//
// It never runs outside of tests.
package collectortest
