// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "PolyReLU",
  products: [
    .library(name: "PolyReLU", targets: ["LinearCore"])
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .target(name: "LinearCore", dependencies: ["COpenBLAS"]),
    .target(name: "Networks", dependencies: ["LinearCore"]),
    .testTarget(name: "NetworksTests", dependencies: ["LinearCore", "Networks"]),
    .testTarget(name: "LinearCoreTests", dependencies: ["LinearCore"]),
  ],
  swiftLanguageModes: [.v6]
)
