# What a person types. `make test` is all that .ci/run does.
.PHONY: build test bench generate clean

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FLAGS = -trimpath -ldflags "-s -w -X github.com/rollcall-iot/rollcall/internal/version.Version=$(VERSION)"

build: ## both programs into bin/
	CGO_ENABLED=0 go build $(FLAGS) -o bin/rollcall ./cmd/rollcall
	CGO_ENABLED=0 go build $(FLAGS) -o bin/rollcall-agent ./cmd/rollcall-agent

test: ## install what the tests need (Debian), then run all of them
	scripts/test

bench: ## the figures of docs/performance.md
	scripts/bench

generate: ## the compact form of the knowledge, after a change of its YAML
	go generate ./...

clean:
	rm -rf bin
