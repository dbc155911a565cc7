package capture

import (
	"strings"
)

// prompt matches the prompt of a shell or of a command line on a device.
var prompt = pattern(`^(?:\[?[\w.-]+@[\w.-]+[^#$%>]{0,80}?\]?[#$%>]|(?:ba|a|da|z)?sh-[\d.]+[#$]|[~/][\w./-]{0,60}\s?[#$]|[A-Za-z]:\\[^>]{0,80}>|PS [A-Z]:\\[^>]{0,80}>|[\w:~.-]{1,20}[$#>]|[$#%>])(?:\s+|$)`)

// inShell finds the AT command that a command of the shell sends, quoted or not.
var inShell = pattern(`(?i)(?:^|[\s=])(?:\$?'(at[^']*)'|"(at[^"]*)"|(at(?:[+#$%^*!@&_-][a-z][^\s|>"']*|i\d{0,2})))(?:[\s|>;]|$)`)

// forModem finds what mmcli --command is told to send, to which ModemManager puts AT before it sends it.
var forModem = pattern(`\s--command[= ]["']?([+#$%^*!@&_][A-Za-z][^\s|>"']*)`)

// devicePath finds the port that a command of the shell names.
var devicePath = pattern(`/dev/((?:tty|wwan|cdc-|mhi_|smd|serial/by-\w+/)[\w.:@/-]*)`)

// chatter matches what terminal programs say for themselves.
var chatter = pattern(`(?i)^(?:welcome to minicom|options: |compiled on |port /dev/|port tty|press (?:ctrl|meta)|(?:picocom|minicom|tio|screen|microcom|cu|gtkterm)\s+v?\d|port is\s*:|flowcontrol\s*:|baudrate is|parity is|databits are|stopbits are|escape is|local echo is|noinit is|noreset is|hangup is|nolock is|send_cmd is|receive_cmd is|imap is|omap is|emap is|logfile is|initstring\s*:|exit_after is|exit is|type \[c-|terminal ready|thanks for using|terminating\.\.\.|\*\*\*|skipping tty|connected(?:\.| to /dev|$)|disconnected$|escape character|\[screen is|\[detached|=~=~|putty log|tio v|device: /dev|script (?:started|done)|\+{1,4} \S|no response from modem|error opening|cannot open|can't open|.{0,60}: (?:permission denied|command not found|no such file or directory)|---+|===+$|` + "```|~~~" + `)`)

// statusLine matches the line at the bottom of minicom's screen, which is drawn again while answers come.
var statusLine = pattern(`(?i)^CTRL-A Z for help\b|^.{0,80}\| Minicom \d`)

// shellLine reads a line that begins with a prompt.
func shellLine(s string) (command, device string, isPrompt bool) {
	loc := prompt().FindStringIndex(s)
	if loc == nil || strings.TrimSpace(s) == ">" { // a device's own prompt, as vehicle adapters have
		return "", "", false
	}
	rest := strings.TrimSpace(s[loc[1]:])
	if isCommand(rest) {
		return rest, "", true
	}
	if m := devicePath().FindStringSubmatch(rest); m != nil {
		device = m[1]
	}
	if m := inShell().FindStringSubmatch(rest); m != nil {
		text := strings.TrimSpace(firstLine(eol().ReplaceAllString(m[1]+m[2]+m[3], "\n")))
		if isCommand(text) {
			command = text
		}
	}
	if m := forModem().FindStringSubmatch(rest); m != nil && isCommand("AT"+m[1]) {
		command = m[1]
	}
	return command, device, command != "" || device != "" || rest == "" || len(s[:loc[1]]) > 3 || s[0] == '$' || s[0] == '#'
}
