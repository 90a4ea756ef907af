# Assay. “make run” and “make test” need git, Go, Node with npm, and make; they install and start the rest by themselves.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
BUILD       := $(shell git describe --always --dirty 2>/dev/null || echo dev)
LDFLAGS     := -s -w -X main.build=$(BUILD)
GO_FILES    := $(shell find . -name '*.go' -not -path './web/node_modules/*')

.DEFAULT_GOAL := help

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

run: engine build ## set up what is missing, load a demo and serve on 127.0.0.1:8080
	@./bin/assay serve --demo

test: engine assets ## set up what the tests need and run all of them
	@docker/deps.sh cc chromium postgres
	@$(MAKE) --no-print-directory verify
	@docker/postgres.sh env ASSAY_TEST_DOCKER=1 ASSAY_TEST_BROWSER=1 $(GO_TEST) ./...
	@$(MAKE) --no-print-directory verify-questions

GO_TEST = go test -p 1 -parallel 2 -timeout 40m

build: assets ## build bin/assay
	@docker/deps.sh cc
	@mkdir -p bin
	@go build -trimpath -ldflags '$(LDFLAGS)' -o bin/assay ./cmd/assay

assets: ## bundle the front end (npm packages by lockfile, esbuild as a Go tool)
	@web/build.sh

engine: ## Docker engine, base image and sandbox images; quick when they are there
	@docker/setup.sh all

images: engine ## the same as engine

generate: ## regenerate the templ views
	@go tool templ generate -path web/view

race: assets ## the quick tests under the race detector (no Docker, no browser)
	@docker/deps.sh cc
	@go test -race ./...

lint: ## gofmt and vet
	@out=$$(gofmt -l $(GO_FILES)); if [ -n "$$out" ]; then echo "gofmt these:"; echo "$$out"; exit 1; fi
	@go vet ./...

verify: lint ## lint, and generated code and go.mod are up to date
	@docker/deps.sh cc
	@before=$$(cat web/view/*_templ.go | sha256sum); go tool templ generate -path web/view >/dev/null 2>&1; after=$$(cat web/view/*_templ.go | sha256sum); \
	 if [ "$$before" != "$$after" ]; then echo "web/view was not up to date: run make generate and commit"; exit 1; fi
	@go mod tidy -diff >/dev/null || { echo "go.mod is not tidy: run go mod tidy"; exit 1; }

verify-questions: engine ## run every shipped question's solutions, starters and cheats through the sandbox
	@go run ./cmd/assay question lint
	@go run ./cmd/assay question verify --all

test-docker: engine ## only the tests that need Docker
	@ASSAY_TEST_DOCKER=1 $(GO_TEST) ./sandbox/... ./questions/...

test-browser: engine assets ## only the browser journeys
	@docker/deps.sh chromium
	@ASSAY_TEST_DOCKER=1 ASSAY_TEST_BROWSER=1 $(GO_TEST) -run Browser ./cmd/assay

screenshots: engine assets ## the main screens as pictures in screenshots/
	@docker/deps.sh chromium
	@mkdir -p screenshots
	@ASSAY_TEST_DOCKER=1 ASSAY_TEST_BROWSER=1 ASSAY_TEST_SCREENSHOTS=$(CURDIR)/screenshots $(GO_TEST) -count=1 -run BrowserJourneys ./cmd/assay
	@ls screenshots

bench: engine build ## click to verdict beside docker run, in the same run
	@./bin/assay bench

doctor: build ## what is missing around Assay
	@./bin/assay doctor

.PHONY: help run test build assets engine images generate race lint verify verify-questions test-docker test-browser screenshots bench doctor
