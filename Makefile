# make reproduce   the central result with figures: installs what is missing, builds, runs
# make test        the whole test suite
# make lint        format lint
# make figures     refresh the figure in the README from the last `make reproduce`

RUN := runs/overview-quick

.PHONY: reproduce test lint build setup figures clean

reproduce: build
	.build/release/polyrelu reproduce overview --preset quick --out $(RUN) --resume

build: setup
	swift build -c release --product polyrelu

test: setup
	swift test -c release

lint:
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

setup:
	@Tools/setup

figures:
	cp $(RUN)/mixture/figures/robust-accuracy.svg Documentation/robust-accuracy.svg

clean:
	rm -rf .build runs
