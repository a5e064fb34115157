# make reproduce   the central result with figures: installs what is missing, builds, runs
# make test        the whole test suite
# make python      the tests of the Python package, where Python 3 and its packages are to be had
# make wheel       a Python wheel in dist/ that needs no Swift toolchain
# make lint        format lint
# make sanitize    the tests of readers under the address and the thread sanitizer, see below
# make fuzz        every reader of files under libFuzzer, 10 minutes each (SECONDS_EACH=60 make fuzz)
# make figures     refresh the figure in the README from the last `make reproduce`

RUN := runs/overview-quick

.PHONY: reproduce test python wheel lint build setup sanitize fuzz figures clean

reproduce: build
	.build/release/polyrelu reproduce overview --preset quick --out $(RUN) --resume

build: setup
	swift build -c release --product polyrelu

test: setup
	swift test -c release
	Tools/test-python

python: setup
	Tools/test-python

wheel: setup
	Tools/wheel

lint:
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks/Sources Fuzz/Package.swift \
		Fuzz/Sources

# Builds of their own, in debug: the checks of pointers and of data races slow numerics down a hundredfold, so the
# suites of experiments, certificates and attacks are left to whoever has hours: SANITIZED=. make sanitize.
SANITIZED ?= FormatsTests|DatasetsTests|NetworksTests|DeepNetworksTests|LinearCoreTests

# Leaks are left out: the test runner has some of its own.
sanitize: setup
	ASAN_OPTIONS=detect_leaks=0 swift test --sanitize=address --scratch-path .build-address --disable-xctest \
		--filter '$(SANITIZED)'
	TSAN_OPTIONS=suppressions=$(CURDIR)/Tools/thread-sanitizer.txt swift test --sanitize=thread \
		--scratch-path .build-thread --disable-xctest --filter '$(SANITIZED)'

fuzz: setup
	Tools/fuzz

setup:
	@Tools/setup

figures:
	cp $(RUN)/mixture/figures/robust-accuracy.svg Documentation/robust-accuracy.svg

clean:
	rm -rf .build .build-address .build-thread .build-fuzz .build-python .build-wheel dist runs
