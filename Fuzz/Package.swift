// swift-tools-version: 6.2
import PackageDescription

// Coverage-guided fuzzing of every reader, see `make fuzz`. A package of its own, because all of its modules are
// built with the instrumentation of libFuzzer.
let package = Package(
  name: "Fuzz",
  dependencies: [.package(name: "PolyReLU", path: "..")],
  targets: [
    .executableTarget(
      name: "fuzz-readers",
      dependencies: [.product(name: "PolyReLU", package: "PolyReLU")])
  ],
  swiftLanguageModes: [.v6]
)
