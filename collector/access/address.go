package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ParseProxies reads addresses and networks of proxies: 10.0.0.7, 10.0.0.0/8, ::1.
func ParseProxies(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(s); err == nil {
				p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no address or network of a proxy, such as 10.0.0.7 or 10.0.0.0/8", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// client is the address that a request comes from, and whether it came over TLS. What
// headers say counts only where a trusted proxy wrote it: the last address that is none of
// theirs (what stands before it, the client may have made up).
func client(r *http.Request, trusted []netip.Prefix) (netip.Addr, bool) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	peer, secure := at.Addr().Unmap().WithZone(""), r.TLS != nil
	if err != nil || !within(peer, trusted) {
		return peer, secure
	}
	secure = secure || strings.EqualFold(strings.TrimSpace(r.Header.Get("X-Forwarded-Proto")), "https")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return peer, secure
		}
		if peer = a.Unmap().WithZone(""); !within(peer, trusted) {
			return peer, secure
		}
	}
	return peer, secure
}

func within(a netip.Addr, list []netip.Prefix) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// caller is what an address counts as: one IPv6 network is one caller, for whoever has an
// address there has 2^64.
func caller(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// relayed says whether a proxy sent a request on. One on this machine makes it look like the
// local person's, and some write this machine's name into it, too. What they add tells; and
// those that add nothing speak HTTP/1.0, which no browser and no client of ours does.
func relayed(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return !r.ProtoAtLeast(1, 1)
}

// ownHost says whether a request names this machine by a name of its own. A page elsewhere
// could otherwise point its own name here and read what a local browser may read.
func ownHost(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}
