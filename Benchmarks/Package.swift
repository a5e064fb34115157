// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "PolyReLU", path: "..")],
  targets: [
    .executableTarget(
      name: "polyrelu-benchmarks",
      dependencies: [.product(name: "PolyReLU", package: "PolyReLU")])
  ],
  swiftLanguageModes: [.v6]
)
