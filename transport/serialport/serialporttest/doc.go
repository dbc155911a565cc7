// Package serialporttest builds trees of /sys, /dev, /run/udev and /proc from text, and pairs
// of pseudo terminals, for tests of the serialport package and of those that use it.
//
// A tree is a txtar archive. Most of its files are captures in the words of their sources, from
// which [Build] makes what the kernel would show:
//
//	-- usb 1-1.2 --            the output of usb-devices for one device
//	-- pci 0000:01:00.0 --     ids, driver and WWAN ports of a PCI function
//	-- platform 4080000.remoteproc --  the same for a part of the machine
//	-- uart ttyS0 --           a UART: its bus, device, driver and type
//	-- sys/class/… --          a file as it is
//	-- dev/modem -> ttyUSB2 -- a symlink
//
// It promises that the same archive gives the same tree, and that trees go away with the test.
//
// It never looks at the machine that it runs on, and a node below its dev is never a device.
package serialporttest
