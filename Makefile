# Everything a developer does with Yoke. Each target first installs what it lacks; on a machine that is
# set up, only `demo`, `test`, `bench`, `trials` and `soak` need root, and none needs the network.

NODE := node_modules/.bin/node
AS_ROOT := scripts/as-root.sh

.DEFAULT_GOAL := help
.PHONY: help setup modules build check docs test simulate simulate-mutants demo bench trials soak clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: # what the rack and the compilers need, and the npm packages
	@scripts/setup.sh machine

modules: # the npm packages only: no root
	@scripts/setup.sh node

build: setup ## build/yoke, its bundles, and the native addon for this machine and for arm64
	@$(NODE) scripts/build.ts

check: modules ## types, lint, format and the rules of the house: no root, no network
	@$(NODE) scripts/check.ts

docs: modules ## docs/configuration.md anew, from the schema
	@$(NODE) scripts/docs.ts

test: build ## every test that fits one machine; one suite: make test ONLY=test/wire
	@$(AS_ROOT) $(NODE) scripts/test.ts $(ONLY)

simulate: modules ## random lives of a pair in simulated time; SEED=n HOURS=100, HOURS=0 replays one; FLOWS=1
	@$(NODE) test/simulator/simulate.ts $(if $(SEED),--seed $(SEED)) $(if $(FLOWS),--flows) --hours $(or $(HOURS),100)

simulate-mutants: modules ## faults planted in the core, each of which the simulator must find
	@$(NODE) test/simulator/simulate-mutants.ts $(ONLY)

demo: build ## start a pair in a rack, fail it over under traffic, print the drill report
	@$(AS_ROOT) $(NODE) test/rack/demo.ts

bench: build ## the same faults to Yoke, ucarp and keepalived, side by side
	@$(AS_ROOT) $(NODE) test/bench/bench.ts
	@$(AS_ROOT) $(NODE) test/bench/flows.ts
	@$(AS_ROOT) $(NODE) test/bench/ruleset.ts

trials: build ## planned handovers, attacks, stalled daemons, connections, chaos; takes three hours
	@$(AS_ROOT) $(NODE) test/rack/handovers.ts
	@$(AS_ROOT) $(NODE) test/rack/attacks.ts
	@$(AS_ROOT) $(NODE) test/rack/stalls.ts
	@$(AS_ROOT) $(NODE) test/rack/flow-trials.ts
	@$(AS_ROOT) $(NODE) test/rack/flow-chaos.ts

soak: build ## hundreds of random faults in the rack, then look for anything left behind
	@$(AS_ROOT) $(NODE) test/rack/soak.ts

clean: ## remove everything built (not node_modules)
	@rm -rf build coverage
