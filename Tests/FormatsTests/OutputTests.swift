import Foundation
import Testing

@testable import Formats

@Suite struct AtomicFileTests {
  @Test func replacesAWholeFileAndLeavesNothingElse() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/result.json"
      try AtomicFile.write("first", to: path)
      try AtomicFile.write("second", to: path)
      #expect(try FileSource.contents(of: path) == Array("second".utf8))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["result.json"])
    }
  }

  @Test func failsClearlyAndCleansUp() throws {
    try withTemporaryFolder { folder in
      let missing = failure { () throws(FormatError) in
        try AtomicFile.write("x", to: folder + "/none/file")
      }
      #expect(
        missing?.description == "\(folder)/none/file: cannot be written: "
          + "No such file or directory in the directory '\(folder)/none/'")
      // A folder in the way lets the rename fail after the bytes were written.
      try FileManager.default.createDirectory(
        atPath: folder + "/taken/inside", withIntermediateDirectories: true)
      let taken = failure { () throws(FormatError) in
        try AtomicFile.write("x", to: folder + "/taken")
      }
      #expect(taken?.message.hasPrefix("cannot be written: ") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["taken"])
      #expect(
        failure { () throws(FormatError) in try AtomicFile.write("x", to: folder + "/") } != nil)
    }
  }
}

@Suite struct CSVTableTests {
  @Test func writesNumbersAndQuotesText() throws {
    var table = CSVTable()
    table.append("epsilon", [0.1, 2, -1e-30, .nan, .infinity])
    table.append("float", [0.1, 1e20, 3, 0, -0.5] as [Float])
    table.append("index", [0, 1, -2, 3, 4])
    table.append("a,b", ["plain", "a,b", "say \"hi\"", "two\nlines", ""])
    #expect(
      table.text == """
        epsilon,float,index,"a,b"
        0.1,0.1,0,plain
        2,1e+20,1,"a,b"
        -1e-30,3,-2,"say ""hi\"""
        nan,0,3,"two
        lines"
        inf,-0.5,4,

        """)
    #expect(table.rowCount == 5)
    try withTemporaryFolder { folder in
      try table.write(to: folder + "/t.csv")
      #expect(try FileSource.contents(of: folder + "/t.csv") == Array(table.text.utf8))
    }
  }

  @Test func anEmptyTableIsItsHeader() {
    var table = CSVTable()
    table.append("x", [Int]())
    #expect(table.text == "x\n")
  }
}
