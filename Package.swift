// swift-tools-version: 6.2
import PackageDescription

/// The modules that `import PolyReLU` brings. Who imports it depends on all of them as well: a build that
/// saw only the unchanged umbrella would not compile its importers anew.
let publicModules = [
  "Alignment", "Attacks", "Certification", "Datasets", "DeepNetworks", "Formats", "Graphs",
  "LinearCore", "Networks", "Runs", "Studies", "Theory", "Training",
]

let package = Package(
  name: "PolyReLU",
  products: [
    .library(name: "PolyReLU", targets: ["PolyReLU"] + publicModules),
    .executable(name: "polyrelu", targets: ["PolyReLUCommand"]),
    .library(name: "polyreluc", type: .dynamic, targets: ["CInterface"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  ],
  targets: [
    // System libraries.
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),

    // Modules, from the ground up; CONTRIBUTING.md says what each is for.
    .target(name: "LinearCore", dependencies: ["COpenBLAS"]),
    .target(
      name: "Formats",
      dependencies: [
        "CZlib", "CZip", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    .target(name: "Integration", dependencies: ["LinearCore"]),
    .target(name: "Figures", dependencies: ["Formats"]),
    .target(
      name: "Datasets", dependencies: ["LinearCore", "Formats"], resources: [.copy("Resources")]),
    .target(name: "Networks", dependencies: ["LinearCore", "Formats"]),
    .target(name: "DeepNetworks", dependencies: ["Formats", "LinearCore", "Networks"]),
    .target(name: "Graphs", dependencies: ["DeepNetworks", "Formats", "LinearCore", "Networks"]),
    .target(
      name: "Training",
      dependencies: ["DeepNetworks", "Formats", "Integration", "LinearCore", "Networks"]),
    .target(name: "Alignment", dependencies: ["LinearCore", "Networks"]),
    .target(name: "Theory", dependencies: ["LinearCore", "Networks"]),
    .target(name: "Attacks", dependencies: ["LinearCore", "Networks"]),
    .target(name: "Certification", dependencies: ["LinearCore", "Networks"]),
    .target(
      name: "BoundPropagation",
      dependencies: [
        "Certification", "DeepNetworks", "Formats", "Graphs", "LinearCore", "Networks",
      ]),
    .target(
      name: "Runs",
      dependencies: [
        "Certification", "Datasets", "DeepNetworks", "Figures", "Formats", "Graphs",
        "LinearCore", "Networks", "Training",
      ]),
    .target(
      name: "Studies",
      dependencies: [
        "Alignment", "Attacks", "BoundPropagation", "Certification", "Datasets", "DeepNetworks",
        "Figures", "Formats",
        "Graphs", "LinearCore", "Networks", "Runs", "Theory", "Training",
      ]),
    .target(
      name: "Experiments",
      dependencies: [
        "Alignment", "Attacks", "Certification", "Datasets", "DeepNetworks", "Figures", "Formats",
        "LinearCore", "Networks", "Runs", "Studies", "Theory", "Training",
      ]),
    // The header polyrelu.h, and the functions that it declares.
    .systemLibrary(name: "CPolyReLU"),
    .target(
      name: "CInterface",
      dependencies: [
        "Alignment", "Attacks", "BoundPropagation", "CPolyReLU", "Certification", "Datasets",
        "Experiments", "Formats", "Graphs", "LinearCore", "Networks", "Runs", "Studies", "Theory",
        "Training",
      ]),
    .target(name: "PolyReLU", dependencies: publicModules.map { .init(stringLiteral: $0) }),
    .executableTarget(
      name: "PolyReLUCommand",
      dependencies: [
        "Alignment", "Attacks", "Certification", "Datasets", "DeepNetworks", "Experiments",
        "Figures", "Formats", "Graphs", "LinearCore", "Networks", "Runs", "Studies", "Theory",
        "Training", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Sources/Command"),
    // Speed, measured beside other programs; a target of this package to see what is `package`.
    .executableTarget(
      name: "polyrelu-benchmarks",
      dependencies: publicModules.map { .init(stringLiteral: $0) } + ["Experiments", "Figures"],
      path: "Benchmarks/Sources/polyrelu-benchmarks"),

    // Tests.
    .testTarget(name: "LinearCoreTests", dependencies: ["LinearCore"]),
    .testTarget(name: "IntegrationTests", dependencies: ["Integration", "LinearCore"]),
    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .testTarget(
      name: "FormatsTests", dependencies: ["Formats", "TestSupport"], resources: [.copy("Fixtures")]
    ),
    .testTarget(name: "FiguresTests", dependencies: ["Figures", "Formats"]),
    .testTarget(
      name: "DatasetsTests", dependencies: ["Datasets", "Formats", "LinearCore", "TestSupport"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "NetworksTests",
      dependencies: ["DeepNetworks", "Formats", "LinearCore", "Networks", "TestSupport"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "DeepNetworksTests",
      dependencies: [
        "Attacks", "Datasets", "DeepNetworks", "Formats", "LinearCore", "Networks", "TestSupport",
        "Training",
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "GraphsTests",
      dependencies: [
        "Attacks", "DeepNetworks", "Formats", "Graphs", "LinearCore", "Networks", "TestSupport",
        "Theory",
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Datasets", "Formats", "Integration", "LinearCore", "Networks", "Training",
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "AlignmentTests", dependencies: ["Alignment", "LinearCore", "Networks", "Theory"]),
    .testTarget(name: "TheoryTests", dependencies: ["LinearCore", "Networks", "Theory"]),
    .testTarget(
      name: "AttacksTests", dependencies: ["Attacks", "LinearCore", "Networks", "Theory"]),
    .testTarget(
      name: "CertificationTests",
      dependencies: ["Attacks", "Certification", "LinearCore", "Networks", "Theory"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "BoundPropagationTests",
      dependencies: [
        "BoundPropagation", "Certification", "DeepNetworks", "Formats", "Graphs", "LinearCore",
        "Networks", "TestSupport",
      ]),
    .testTarget(
      name: "ReferenceTests",
      dependencies: ["Attacks", "Datasets", "Formats", "LinearCore", "Networks", "Training"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "ExperimentsTests",
      dependencies: [
        "Certification", "Datasets", "DeepNetworks", "Experiments", "Figures", "Formats",
        "LinearCore", "Networks", "Runs", "Studies", "Training",
      ]),
    .testTarget(
      name: "PolyReLUTests",
      dependencies: ["PolyReLU"] + publicModules.map { .init(stringLiteral: $0) }),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "DeepNetworks", "Formats", "LinearCore", "Networks", "PolyReLUCommand", "TestSupport",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
