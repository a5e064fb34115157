// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "PolyReLU",
  products: [
    .library(name: "PolyReLU", targets: ["LinearCore"]),
    .library(name: "LinearCore", targets: ["LinearCore"]),
    .library(name: "Datasets", targets: ["Datasets"]),
    .library(name: "Networks", targets: ["Networks"]),
    .library(name: "Training", targets: ["Training"]),
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .target(name: "LinearCore", dependencies: ["COpenBLAS"]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .target(name: "Formats", dependencies: ["CZlib", "CZip"]),
    .target(
      name: "Datasets", dependencies: ["LinearCore", "Formats"], resources: [.copy("Resources")]),
    .target(name: "Networks", dependencies: ["LinearCore", "Formats"]),
    .target(name: "Training", dependencies: ["LinearCore", "Formats", "Networks"]),
    .testTarget(
      name: "FormatsTests", dependencies: ["Formats"], resources: [.copy("Fixtures")]),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Formats", "LinearCore"]),
    .testTarget(
      name: "TrainingTests", dependencies: ["Formats", "LinearCore", "Networks", "Training"],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "NetworksTests", dependencies: ["LinearCore", "Networks"]),
    .testTarget(name: "LinearCoreTests", dependencies: ["LinearCore"]),
  ],
  swiftLanguageModes: [.v6]
)
