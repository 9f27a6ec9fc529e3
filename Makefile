# `make` alone says what there is.

PREFIX ?= $(HOME)/.local
RELEASE = .build/release/broker
# On Linux the Swift runtime is linked in, so that the program runs where no toolchain is; macOS has it in the system.
RELEASE_FLAGS = -c release $(if $(filter Linux,$(shell uname -s)),--static-swift-stdlib)

.DEFAULT_GOAL := help
.PHONY: help demo test docs lint format bench fuzz random soak soak-leases suites sanitize install clean

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## the example shop: attach, run, swap, detach, leaving nothing behind (about a minute after the build)
	@.ci/bootstrap
	swift build $(RELEASE_FLAGS) --product broker
	@BROKER=$(RELEASE) docs/examples/shop/demo.sh

# Warnings are errors by Package.swift, for our targets and not for the dependencies'. The tests find the built program, the
# Python with the foreign clients and the order to fail where a real server is missing in their environment. Suites and
# what fails are shown, not each test that passes; swift test's own summary is the last thing printed. The comparison with
# redis-server waits more than it works: it runs beside the rest, and behind it the example package, the pytest plugin's tests
# and the suite of another project; they are shown when they have ended,
# and give way, since some of the rest look at how long things take. Each draws its ports from a section of its own.
test: SHELL = bash
# Two of swift test at once would share its database; the program of the tests itself does not.
test: TESTS = NO_COLOR=1 $(if $(filter Linux,$(shell uname -s)),.build/debug/brokerPackageTests.xctest,\
	xcrun xctest .build/debug/brokerPackageTests.xctest) --testing-library swift-testing
test: PASSED = '^◇ (Test|Suite)|^✔ Test (case|".*" (with|passed)|[A-Za-z0-9_`]+\()'
test: ## bootstrap, lint, build, and all tests against the real servers
	@.ci/bootstrap
	swift format lint --strict --recursive Sources Tests Package.swift
	swift build $(RELEASE_FLAGS) --product broker
	swift build --build-tests
	@[ "$$(uname -s)" != Linux ] || .ci/docs
	@set -o pipefail; export BROKER_BINARY="$(CURDIR)/$(RELEASE)" BROKER_PYTHON="$(CURDIR)/.venv/bin/python" \
		BROKER_REQUIRE_SERVERS=1; \
	beside() { renice -n 19 $$BASHPID > /dev/null; $(TESTS) --no-parallel --filter RedisConformanceTests 2>&1 | grep -Ev $(PASSED) && .ci/example-package \
		&& .ci/pytest-broker && .ci/third-party-suites walrus; }; \
	{ BROKER_TEST_PORTS=31100-32699 beside > .build/beside.log 2>&1; ended=$$?; cat .build/beside.log; exit $$ended; } & besides=$$!; \
	BROKER_TEST_PORTS=28500-31099 swift test --skip-build --disable-xctest --no-parallel --skip RedisConformanceTests 2>&1 | grep -Ev $(PASSED); rest=$$?; \
	wait $$besides || { echo "what ran beside these tests has failed: see above"; exit 1; }; exit $$rest

docs: ## the documentation of BrokerTesting and ProviderConformance, in .build/docs
	swift build --target BrokerTesting
	swift build --target ProviderConformance
	@.ci/docs

lint: ## swift format, strict, changing nothing
	swift format lint --strict --recursive Sources Tests Package.swift

format: ## swift format, in place
	swift format --in-place --recursive Sources Tests Package.swift

bench: ## the benchmarks, in a release build (BENCH="--only redis --pairs 9 --json FILE")
	swift build $(RELEASE_FLAGS) --product broker
	swift build $(RELEASE_FLAGS) --product BrokerBenchmarks
	.build/release/BrokerBenchmarks $(BENCH)

fuzz: ## every fuzz target for a minute (FUZZ_SECONDS=60), and long random commands against real servers
	@.ci/fuzz

# Each family's random tests, in both versions of the protocol; what differs is shown with its seed, cut down to the commands that
# are needed for it. Optimised, with assertions, in a folder of its own.
random: ## random commands of each family, compared with redis-server (RANDOM_COMMANDS=100000 BROKER_RANDOM_SEED=1)
	@.ci/bootstrap
	swift build --build-tests -Xswiftc -O -Xswiftc -assert-config -Xswiftc Debug --scratch-path .build-random
	@BROKER_RANDOM_COMMANDS=$${RANDOM_COMMANDS:-100000} BROKER_REQUIRE_SERVERS=1 swift test --skip-build --disable-xctest \
		--no-parallel --scratch-path .build-random --filter 'RedisConformanceTests.*random'

# ArgumentParser writes the completions; a shell whose completions it cannot write is left out, and said so.
# Then one large resource: a connection takes five of the daemon's files over TLS, three in the clear.
# About 10 million commands over 100 swaps of each kind, the last with kills: half an hour. SOAK_SEED=N repeats the faults.
soak: ## swaps under load for long, with faults, every write checked (SOAK_SWAPS=100 SOAK_GAP=5 SOAK_SEED=1)
	@.ci/bootstrap
	swift build $(RELEASE_FLAGS) --product broker
	swift build --build-tests
	@SOAK_SWAPS=$${SOAK_SWAPS:-100} SOAK_GAP=$${SOAK_GAP:-5} SOAK_CONTROL=30 SOAK_CONNECTIONS=$${SOAK_CONNECTIONS:-3000} \
		SOAK_KEYS=$${SOAK_KEYS:-1000000} SOAK_RATE=$${SOAK_RATE:-10000} BROKER_BINARY="$(CURDIR)/$(RELEASE)" \
		BROKER_REQUIRE_SERVERS=1 swift test --skip-build --disable-xctest --no-parallel --filter 'SoakTests|ScaleTests'

suites: ## all tests of walrus and RQ, unmodified, with the emulator and with redis-server (about six minutes)
	@.ci/bootstrap
	swift build $(RELEASE_FLAGS) --product broker
	@.ci/third-party-suites --all

sanitize: ## the tests of the runtime under the thread sanitizer, then under the address sanitizer (SANITIZE=thread)
	@.ci/bootstrap
	@.ci/sanitize

soak-leases: ## ten minutes of leases whose holders are killed at random, then a minute of each peer (LEASE_SOAK_SECONDS=600 LEASE_SOAK_SEED=1)
	@.ci/bootstrap
	swift build $(RELEASE_FLAGS) --product broker
	swift build --build-tests
	@LEASE_SOAK_SECONDS=$${LEASE_SOAK_SECONDS:-600} LEASE_SOAK_PEERS=$${LEASE_SOAK_PEERS:-60} \
		BROKER_PYTHON="$(CURDIR)/.venv/bin/python" BROKER_BINARY="$(CURDIR)/$(RELEASE)" \
		swift test --skip-build --disable-xctest --no-parallel --filter LeaseSoakTests

install: ## the release binary and shell completions below PREFIX (~/.local)
	swift build $(RELEASE_FLAGS) --product broker
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -s -m 755 $(RELEASE) "$(DESTDIR)$(PREFIX)/bin/broker"
	@set -eu; complete() { \
		install -d "$$(dirname "$$2")"; \
		if $(RELEASE) --generate-completion-script "$$1" > "$$2"; then echo "completions for $$1: $$2"; \
		else rm -f "$$2"; echo "no completions for $$1"; fi; }; \
	share="$(DESTDIR)$(PREFIX)/share"; \
	complete zsh "$$share/zsh/site-functions/_broker"; \
	complete bash "$$share/bash-completion/completions/broker"; \
	complete fish "$$share/fish/vendor_completions.d/broker.fish"

clean: ## remove build folders and .venv
	rm -rf .build .build-* .venv
