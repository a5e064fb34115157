import Formats
import Foundation
import LinearCore
import Testing

@testable import Datasets

/// Samples from tables of text.
@Suite struct CSVFeatureTests {
  private func load(
    _ text: String, name: String = "f.csv", options: FeatureOptions = FeatureOptions()
  ) throws -> Result<Dataset, DatasetError> {
    try withTemporaryFolder { folder in
      let path = "\(folder)/\(name)"
      try AtomicFile.write(text, to: path)
      do throws(DatasetError) {
        return .success(try FeatureFile.load(path: path, options: options).validated())
      } catch { return .failure(error) }
    }
  }

  private func message(_ text: String, options: FeatureOptions = FeatureOptions()) throws -> String
  {
    guard case .failure(let error) = try load(text, options: options) else { return "loaded" }
    return error.description
  }

  @Test(arguments: ["f.csv", "F.CSV", "f.txt", "f"])
  func featuresAndNames(_ name: String) throws {
    let data = try load(
      "length,species,width\n1.5,\"a, b\",2\n-3e-1,dog,4\n5,\"a, b\",6\n",
      name: name, options: FeatureOptions(yKey: "species")
    ).get()
    #expect(data.inputs == Matrix([[1.5, 2], [-0.3, 4], [5, 6]]))
    #expect(data.classes == [.name("a, b"), .name("dog")] && data.labels == [0, 1, 0])
    #expect(data.notes.isEmpty)
  }

  /// The same table as other programs write it.
  @Test(arguments: [
    "x1,x2,label\n1,2,0\n3,4,1\n", "x1,x2,label\r\n1,2,0\r\n3,4,1\r\n", "x1,x2,label\n1,2,0\n3,4,1",
    "\u{FEFF}x1,x2,label\n1,2,0\n3,4,1\n", "x1;x2;label\n1;2;0\n3;4;1\n",
    "x1\tx2\tlabel\n1\t2\t0\n3\t4\t1\n", "\"x1\",\"x2\",\"label\"\n\"1\",\"2\",\"0\"\n3,4,1\n",
    "x1, x2, label\n 1, 2 ,0\n\n3 ,4, 1\n\n", ",x1,x2,Label\n0,1,2,0.0\n1,3,4,1.0\n",
    "label,x1,x2\n0,+1,2e0\n1,3.,.4e1\n",
  ])
  func dialects(_ text: String) throws {
    let data = try load(text).get()
    #expect(data.inputs == Matrix([[1, 2], [3, 4]]) && data.labels == [0, 1])
    #expect(data.classes == ClassLabel.numbers(2))
    #expect(data.notes.first?.lowercased() == "labels are column 'label'")
  }

  @Test func groupsAndQuotes() throws {
    let data = try load("y,group,a\n1,u,0\n0,\"v\"\"w\",1\n1,u,2\n").get()
    #expect(data.groups == [0, 1, 0] && data.labels == [1, 0, 1] && data.dimension == 1)
    #expect(data.groupValues == [.name("u"), .name("v\"w")])
    let lines = try load("y,a\n\"two\nlines\",1\nb,2\n").get()
    #expect(lines.classes == [.name("b"), .name("two\nlines")])
  }

  @Test func refusalsNameLineAndColumn() throws {
    for (cell, found) in [("", "nothing"), ("NA", "'NA'"), ("nan", "'nan'"), ("1.5x", "'1.5x'")] {
      #expect(
        try message("a,b,y\n1,2,0\n3,\(cell),1\n").hasSuffix(
          "f.csv: holds \(found) in line 3 (row 1), column 'b'; expected a number"))
    }
    #expect(
      try message("a,b,y\n1,2,0\n3,inf,1\n").hasSuffix(
        "array 'X' holds inf in line 3, column 'b'; expected finite numbers"))
    #expect(
      try message("a,y\n1,0\n3,\n").contains(
        "holds nothing in line 3 (row 1), column 'y'; expected a label"))
    #expect(
      try message("a,y\n1,0\n3\n").hasSuffix(
        "has 1 cells in line 3; expected 2, as many as the header"))
    #expect(
      try message("a,b\n1,0\n").hasSuffix(
        "has no column y, label, target or class; it holds 'a', 'b', and y-key names the labels"))
    #expect(
      try message("a,y,class\n1,0,1\n").contains(
        "has 2 columns for labels, 'y' and 'class'; y-key names one"))
    #expect(
      try message("a,b\n1,0\n", options: FeatureOptions(yKey: "c")).contains(
        "has no column 'c', as y-key says; it holds 'a', 'b'"))
    #expect(try message("1,2,0\n3,4,1\n").contains("has no header: its first line holds numbers"))
    #expect(try message("a,y\n").contains("holds a header and no rows"))
    #expect(try message("y\n1\n").contains("has no columns of features beside the labels"))
    #expect(try message("a,y\n\"1,0\n").contains("opens a quote in line 2 that is never closed"))
    #expect(try message("a,y\n\"1\"2,0\n").contains("has text behind a closing quote in line 2"))
    #expect(try message(",a,y\n5,1,0\n").contains("has a first column without a name"))
    #expect(
      try message("a,y\n1,0\n", options: FeatureOptions(xKey: "a")).contains(
        "is a table; expected no x-key"))
  }

  @Test func mutatedTablesNeverCrash() throws {
    let valid = Array("a,\"b\",y\n1,2,\"u,v\"\n-3e4,.5,w\r\n7,8,w\n".utf8)
    var random = RandomStream(seed: 12)
    try withTemporaryFolder { folder in
      let path = folder + "/f.csv"
      for _ in 0..<2000 {
        var bytes = valid
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let byte = Array(",\"\n\r;x1.\u{7F}".utf8).randomElement(using: &random) ?? 0
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = byte
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do throws(DatasetError) {
          let data = try FeatureFile.load(path: path).validated()
          #expect(data.count > 0 && data.inputs.isFinite())
        } catch {
          #expect(!error.description.isEmpty && !error.description.contains("\n"))
        }
      }
    }
  }
}
