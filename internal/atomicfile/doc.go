// Package atomicfile replaces small files whole.
//
// [Write] makes a temporary file beside the target, writes, syncs, renames, and syncs
// the directory, so that after a crash or a power cut the target holds either the old
// bytes or the new ones, given a disk that honours fsync.
//
// It promises that an error leaves the target as it was and no temporary file behind.
// It never follows a symbolic link that stands where the temporary file goes, and never
// syncs the same file twice: after a failed fsync the kernel may call lost pages clean
// (USENIX ATC 2020, "Can Applications Recover from fsync Failures?").
//
// One path has one writer: two that write the same path at once disturb each other.
package atomicfile
