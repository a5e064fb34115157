// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "PolyReLU",
  products: [
    .library(name: "PolyReLU", targets: ["Experiments"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
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
    .target(name: "Theory", dependencies: ["LinearCore", "Networks"]),
    .target(name: "Alignment", dependencies: ["LinearCore", "Networks"]),
    .target(name: "Attacks", dependencies: ["LinearCore", "Networks"]),
    .target(name: "Figures"),
    .target(name: "Training", dependencies: ["LinearCore", "Formats", "Networks"]),
    .testTarget(
      name: "FormatsTests", dependencies: ["Formats"], resources: [.copy("Fixtures")]),
    .testTarget(name: "AlignmentTests", dependencies: ["Alignment", "LinearCore", "Networks"]),
    .testTarget(name: "ExperimentsTests", dependencies: ["Experiments"]),
    .testTarget(name: "TheoryTests", dependencies: ["LinearCore", "Networks", "Theory"]),
    .testTarget(name: "FiguresTests", dependencies: ["Figures"]),
    .testTarget(
      name: "AttacksTests", dependencies: ["Attacks", "LinearCore", "Networks", "Theory"]),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Formats", "LinearCore"]),
    .testTarget(
      name: "TrainingTests", dependencies: ["Formats", "LinearCore", "Networks", "Training"],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "NetworksTests", dependencies: ["LinearCore", "Networks"]),
    .target(
      name: "Experiments",
      dependencies: [
        "Alignment", "Attacks", "Datasets", "Figures", "Formats", "LinearCore", "Networks",
        "Theory", "Training",
      ]),
    .testTarget(name: "LinearCoreTests", dependencies: ["LinearCore"]),
  ],
  swiftLanguageModes: [.v6]
)
