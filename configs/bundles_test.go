package configs

import (
	"strings"
	"testing"
	"time"
)

func TestBundlesAndWebhooks(t *testing.T) {
	c, err := LoadCollector(Source{File: write(t, `
bundles: {bucket: B, trust: [/etc/rollcall/bundle.pub]}
webhooks:
  - {name: ops, url: "https://ops.example/", secret_file: /s, kinds: [gateway-new, gateway-back], severity: high, give_up: 48h, tries: 3}
  - {name: siem, url: "http://127.0.0.1:9/", secret_file: /t, allow_http: true}
`, 0o600), Environ: []string{"ROLLCALL_BUNDLES_ALLOW_OLDER=true"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Bundles.Bucket != "B" || len(c.Bundles.Trust) != 1 || !c.Bundles.AllowOlder {
		t.Errorf("%+v", c.Bundles)
	}
	if len(c.Webhooks) != 2 || c.Webhooks[0].GiveUp != 48*time.Hour || c.Webhooks[0].Kinds[1] != "gateway-back" || !c.Webhooks[1].AllowHTTP || c.Webhooks[0].Tries != 3 {
		t.Errorf("%+v", c.Webhooks)
	}
	for file, want := range map[string]string{
		"bundles: {file: /x}":             "bundles.trust is empty",
		"webhooks: [{name: a, uri: b}]":   "uri",
		"webhooks: 7":                     "webhooks",
		"bundles: {trusted: [x]}":         `unknown key "bundles.trusted"`,
		"webhooks: [{timeout: tomorrow}]": "webhooks[0].timeout",
	} {
		if _, err := LoadCollector(Source{File: write(t, file, 0o600)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", file, err, want)
		}
	}
}
