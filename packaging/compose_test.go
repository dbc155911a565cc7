package packaging_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// serviceKeys are those of the Compose specification that may stand in compose.yaml.
var serviceKeys = []string{"image", "build", "command", "restart", "read_only", "cap_drop", "security_opt", "stop_grace_period", "ulimits", "healthcheck",
	"environment", "depends_on", "secrets", "volumes", "ports", "hostname", "mem_limit", "shm_size"}

func TestCompose(t *testing.T) {
	c := documents(t, read(t, "compose/compose.yaml"))[0]
	for k := range c {
		if !slices.Contains([]string{"name", "services", "secrets", "volumes"}, k) && !strings.HasPrefix(k, "x-") {
			t.Errorf("unknown key %s", k)
		}
	}
	services, _ := at(c, "services").(doc)
	header, _, _ := strings.Cut(read(t, "compose/compose.yaml"), "\nname:")
	published := map[string]bool{}
	for name, v := range services {
		s, _ := v.(doc)
		for k := range s {
			if !slices.Contains(serviceKeys, k) {
				t.Errorf("%s: unknown key %s", name, k)
			}
		}
		if image := text(s, "image"); at(s, "build") == nil {
			checkImage(t, image)
		}
		if text(s, "read_only") != "true" && name != "postgres" {
			t.Errorf("%s may write to its image", name)
		}
		if d, _ := at(s, "depends_on").(doc); d != nil {
			for other := range d {
				if services[other] == nil || at(services, other, "healthcheck") == nil {
					t.Errorf("%s waits for %s, which has no health", name, other)
				}
			}
		}
		for _, secret := range items(s, "secrets") {
			if at(c, "secrets", fmt.Sprint(secret)) == nil {
				t.Errorf("%s: no secret %s", name, secret)
			}
		}
		for _, p := range items(s, "ports") {
			outer, _, _ := strings.Cut(fmt.Sprint(p), ":")
			if published[outer] {
				t.Errorf("port %s is published twice", outer)
			}
			published[outer] = true
		}
		checkMounts(t, name, s, c, header)
	}
	if len(services) != 6 || len(published) != 5 {
		t.Errorf("%d services, %d published ports", len(services), len(published))
	}
	for name := range at(c, "secrets").(doc) {
		if file := text(c, "secrets", name, "file"); !strings.Contains(header, strings.TrimPrefix(file, "./")) {
			t.Errorf("the head of compose.yaml does not say where %s comes from", file)
		}
	}
	for _, key := range []string{"dockerfile", "context"} {
		if _, err := os.Stat(filepath.Join("compose", text(c, "x-collector", "build", "context"), strings.TrimPrefix(text(c, "x-collector", "build", key), "../.."))); err != nil {
			t.Error(err)
		}
	}
}

// checkMounts: what a service mounts is a volume, a file beside compose.yaml, or one that its
// head tells the operator to make.
func checkMounts(t *testing.T, name string, s, c doc, header string) {
	t.Helper()
	for _, v := range items(s, "volumes") {
		source, _, _ := strings.Cut(fmt.Sprint(v), ":")
		if !strings.HasPrefix(source, "./") {
			if volumes, _ := at(c, "volumes").(doc); !slices.Contains(keysOf(volumes), source) {
				t.Errorf("%s: no volume %s", name, source)
			}
			continue
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(source, "./"), "/")
		_, err := os.Stat(filepath.Join("compose", source))
		if err != nil && !regexp.MustCompile(`(?m)^#\s.*\b`+regexp.QuoteMeta(first)).MatchString(header) {
			t.Errorf("%s mounts %s, which is neither there nor described", name, source)
		}
	}
}

func keysOf(m doc) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}
