package enroll

import (
	"time"

	"github.com/nats-io/jwt/v2"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// Names of the accounts.
const (
	gatewaysAccount  = "GATEWAYS"
	collectorAccount = "COLLECTOR"
	systemAccount    = "SYS"
)

// account of a role.
func (r Role) account() string {
	if r == Gateway || r == Join {
		return gatewaysAccount
	}
	return collectorAccount
}

// rights are what a role may do.
type rights struct {
	publish, subscribe []string
	// answer lets it reply to requests, wherever these want the answer.
	answer      bool
	connections []string
	// subscriptions bounds those of one connection. 0: no bound.
	subscriptions int64
}

// answerTime is how long a request may be answered.
const answerTime = time.Minute

// rights of a role for a name, or for the template of a scoped signing key.
func (r Role) rights(name string) rights {
	ordinary := []string{jwt.ConnectionTypeStandard, jwt.ConnectionTypeWebsocket}
	switch r {
	case Gateway:
		publish, subscribe := natslink.Permissions(name)
		return rights{publish: publish, subscribe: subscribe, answer: true, connections: ordinary, subscriptions: 64}
	case Leaf:
		return rights{
			// $LDS finds loops of leaf nodes, _R_ leads answers back to the account of gateways, and
			// _INBOX those of agents to whoever asked.
			publish: append(reportSubjects(), natslink.JoinSubject("*"), "_INBOX.>", "$LDS.>"), subscribe: append(requestSubjects(), discovery, "_R_.>", "$LDS.>"),
			connections: []string{jwt.ConnectionTypeLeafnode, jwt.ConnectionTypeLeafnodeWS},
		}
	case Join:
		return rights{publish: []string{natslink.JoinSubject("*")}, subscribe: []string{natslink.JoinInbox + ".>"}, connections: ordinary, subscriptions: 4}
	case Approver:
		// An empty list would permit everything; this subject leads nowhere.
		return rights{publish: []string{"_ROLLCALL_NOTHING"}, subscribe: []string{natslink.JoinSubject("*")}, answer: true, connections: ordinary, subscriptions: 4}
	case Collector:
		return rights{publish: collectorPublishes(), subscribe: collectorSubscribes(), answer: true, connections: ordinary}
	}
	return rights{publish: []string{">"}, subscribe: []string{">"}, connections: ordinary}
}

// collectorPublishes are the subjects that a collector needs: its stream and consumer, the
// streams of events and of dead letters, the lease on webhooks, bundles (to read), and requests
// to gateways.
func collectorPublishes() []string {
	const events, dead, leases, bundles = "ROLLCALL_EVENTS", "ROLLCALL_DEAD", "KV_ROLLCALL_LEASES", "OBJ_ROLLCALL_KNOWLEDGE"
	each := natslink.Stream + ".*" // collectors with stores of their own have consumers of their own
	return append([]string{
		"$JS.API.INFO",
		"$JS.API.STREAM.INFO." + natslink.Stream, "$JS.API.STREAM.CREATE." + natslink.Stream,
		"$JS.API.STREAM.INFO." + events, "$JS.API.STREAM.CREATE." + events,
		"$JS.API.CONSUMER.INFO." + each, "$JS.API.CONSUMER.CREATE." + each, "$JS.API.CONSUMER.MSG.NEXT." + each,
		"$JS.ACK.>", "rollcall.v1.event.>",
		"$JS.API.STREAM.INFO." + dead, "$JS.API.STREAM.CREATE." + dead, "rollcall.v1.dead.>",
		"$JS.API.STREAM.INFO." + leases, "$JS.API.STREAM.CREATE." + leases, "$JS.API.DIRECT.GET." + leases + ".>", "$KV.ROLLCALL_LEASES.>",
		"$JS.API.STREAM.INFO." + bundles, "$JS.API.DIRECT.GET." + bundles + ".>", "$JS.API.CONSUMER.CREATE." + bundles + ".>",
		"$JS.API.CONSUMER.DELETE." + bundles + ".*", "$JS.API.CONSUMER.INFO." + bundles + ".*", "$JS.FC." + bundles + ".>",
	}, requestSubjects()...)
}

// collectorSubscribes are the subjects on which a collector is answered, and asked by people and
// programs: as the micro service that it is.
func collectorSubscribes() []string {
	const service = "rollcall-collector"
	list := []string{"_INBOX.>", "rollcall.v1.query.*"}
	for _, verb := range []string{"$SRV.PING", "$SRV.INFO", "$SRV.STATS"} {
		list = append(list, verb, verb+"."+service, verb+"."+service+".*")
	}
	return list
}

// reportSubjects lead from gateways to the stream, requestSubjects from collectors and
// people to gateways.
func reportSubjects() []string {
	return []string{natslink.Subject(inventory.KindReport, "*"), natslink.Subject(inventory.KindHeartbeat, "*")}
}

func requestSubjects() []string {
	return []string{natslink.ScanSubject("*"), natslink.StatusSubject("*"), natslink.VersionSubject("*")}
}

// discovery is how micro services are found: every gateway answers.
const discovery = "$SRV.>"
