// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "PolyReLU", path: "..")],
  targets: [
    .executableTarget(
      name: "polyrelu-benchmarks",
      dependencies: [
        .product(name: "LinearCore", package: "PolyReLU"),
        .product(name: "Datasets", package: "PolyReLU"),
        .product(name: "Networks", package: "PolyReLU"),
        .product(name: "Training", package: "PolyReLU"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
