import Foundation
import Testing

/// Which module may import which, and what the library shows to its users.
@Suite struct HouseTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// From the ground up: what each module of the package may import of the others.
  private static let arrows: [(module: String, imports: Set<String>)] = [
    ("LinearCore", []),
    ("Formats", []),
    ("Figures", ["Formats"]),
    ("Integration", ["LinearCore"]),
    ("Datasets", ["Formats", "LinearCore"]),
    ("Networks", ["Formats", "LinearCore"]),
    ("DeepNetworks", ["Formats", "LinearCore", "Networks"]),
    ("Graphs", ["DeepNetworks", "Formats", "LinearCore", "Networks"]),
    ("Training", ["DeepNetworks", "Formats", "Integration", "LinearCore", "Networks"]),
    ("Alignment", ["LinearCore", "Networks"]),
    ("Theory", ["LinearCore", "Networks"]),
    ("Attacks", ["LinearCore", "Networks"]),
    ("Certification", ["LinearCore", "Networks"]),
    (
      "BoundPropagation",
      ["Certification", "DeepNetworks", "Formats", "Graphs", "LinearCore", "Networks"]
    ),
    (
      "Runs",
      [
        "Datasets", "DeepNetworks", "Certification", "Figures", "Formats", "Graphs", "LinearCore",
        "Networks", "Training",
      ]
    ),
    (
      "Studies",
      [
        "Alignment", "Attacks", "BoundPropagation", "Certification", "Datasets", "DeepNetworks",
        "Figures", "Formats", "Graphs", "LinearCore", "Networks", "Runs", "Theory", "Training",
      ]
    ),
    (
      "Experiments",
      [
        "Alignment", "Attacks", "Certification", "Datasets", "DeepNetworks", "Figures", "Formats",
        "LinearCore", "Networks", "Runs", "Studies", "Theory", "Training",
      ]
    ),
    (
      "CInterface",
      [
        "Alignment", "Attacks", "BoundPropagation", "Certification", "Datasets",
        "Experiments", "Formats", "Graphs", "LinearCore", "Networks", "Runs", "Studies", "Theory",
        "Training",
      ]
    ),
    (
      "Command",
      [
        "Alignment", "Attacks", "Certification", "Datasets", "DeepNetworks", "Experiments",
        "Figures",
        "Formats", "Graphs", "LinearCore", "Networks", "Runs", "Studies", "Theory", "Training",
      ]
    ),
  ]

  private func files(_ module: String) throws -> [(name: String, lines: [Substring])] {
    let folder = Self.root.appendingPathComponent("Sources/\(module)")
    let paths = try #require(FileManager.default.enumerator(atPath: folder.path))
      .compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }
    return try paths.map { path in
      let text = try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
      return ("\(module)/\(path)", text.split(separator: "\n", omittingEmptySubsequences: false))
    }
  }

  @Test func importsGoDown() throws {
    let names = Set(Self.arrows.map(\.module))
    var below: Set<String> = []
    var imported = 0
    for (module, allowed) in Self.arrows {
      #expect(allowed.isSubset(of: below), "\(module) may only import what stands below it")
      below.insert(module)
      for file in try files(module) {
        for line in file.lines {
          let words = line.split(separator: " ").map(String.init)
          guard let place = words.firstIndex(of: "import"), place + 1 < words.count, place < 2,
            !line.hasPrefix(" "), !line.hasPrefix("/")
          else { continue }
          let target = words[place + 1]
          guard names.contains(target) else { continue }
          imported += 1
          #expect(allowed.contains(target), "\(file.name) imports \(target)")
        }
      }
    }
    #expect(imported > 200)
    // Nobody was forgotten.
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("Sources").path)
    #expect(
      Set(folders) == names.union(["PolyReLU", "COpenBLAS", "CPolyReLU", "CZip", "CZlib"]),
      "modules have changed")
  }

  /// `public` is what the page on the library lists, at most 120 types, and nothing outside of types. What is public
  /// in CInterface is for C.
  @Test func publicTypesAreThoseOnThePage() throws {
    let page = try String(
      contentsOf: Self.root.appendingPathComponent("Documentation/Library.md"), encoding: .utf8)
    let listed = page.matches(of: /\| `([A-Za-z0-9.]+)` \|/).map { String($0.1) }
    var found: [String] = []
    for module in Self.arrows.map(\.module) where !["Command", "CInterface"].contains(module) {
      for file in try files(module) {
        for line in file.lines {
          if let type = line.firstMatch(
            of: /^ *(@\w+ )*public (final |indirect )*(struct|class|enum|protocol|actor) (\w+)/)
          {
            found.append(String(type.4))
          }
          #expect(
            line.firstMatch(of: /^(@\w+ )*public (func|var|let|typealias)/) == nil,
            "\(file.name): \(line)")
        }
      }
    }
    #expect(found.count <= 120)
    #expect(listed.map { String($0.split(separator: ".").last!) }.sorted() == found.sorted())
  }
}
