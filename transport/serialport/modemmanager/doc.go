// Package modemmanager reads what ModemManager already knows of the modules that it manages.
//
// Where ModemManager owns a module, its ports are busy and it has asked the same questions
// before. [Modems] reads its answers over D-Bus: manufacturer, model, revisions, equipment
// identifier and the ports with their types. They are evidence of a kind of their own: what another program says
// that the module said. [Manager] gives them in the form that a survey asks for.
//
// It promises that reading changes nothing: ModemManager is not started by asking for it, no
// method of a modem is called, no property is set. [Inhibit] does change something, as it says,
// and is for whoever has been told to.
//
// It never opens a port and never sends an AT command through ModemManager.
package modemmanager
