// Package postgrestest runs a private PostgreSQL server for tests: in a directory of its
// own, on a socket in it, without the network.
//
// It needs the programs of PostgreSQL (on Debian: apt-get install postgresql), and fails the
// test without them. Run as root, it starts the server as another user, because PostgreSQL
// refuses to run as root. It never touches a server that runs already.
package postgrestest
