import Foundation
import Testing

@testable import Figures

@Suite struct FailureTests {
  @Test(arguments: ["no-such-gnuplot", "/nowhere/gnuplot", "", "/tmp"])
  func missingGnuplotIsNamed(executable: String) throws {
    try withTemporaryDirectory { directory in
      let renderer = FigureRenderer(executable: executable)
      #expect(!renderer.isAvailable)
      let error = #expect(throws: FigureError.self) {
        try renderer.write(exampleChart, named: "chart", in: directory)
      }
      #expect(error == .gnuplotNotFound(executable: executable))
      #expect(
        error?.description == "gnuplot not found: no executable '\(executable)' on PATH "
          + "(Debian package gnuplot-nox)")
      let names = try fileNames(in: directory)
      #expect(names == [])
    }
  }

  @Test func aFailureLeavesOldFilesAlone() throws {
    try withTemporaryDirectory { directory in
      let program = directory.appendingPathComponent("broken-gnuplot")
      let script = """
        #!/bin/sh
        printf '\\nplot x\\n     ^\\n"script" line 3: undefined variable: x\\n' >&2
        echo half > figure.svg
        exit 4
        """
      try Data(script.utf8).write(to: program)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: program.path)
      let out = directory.appendingPathComponent("out")
      try FileManager.default.createDirectory(at: out, withIntermediateDirectories: true)
      let old = out.appendingPathComponent("chart.svg")
      try Data("old".utf8).write(to: old)
      let error = #expect(throws: FigureError.self) {
        try FigureRenderer(executable: program.path).write(exampleChart, named: "chart", in: out)
      }
      #expect(
        error?.description == "gnuplot failed on figure 'chart' with status 4: "
          + "\"script\" line 3: undefined variable: x")
      let names = try fileNames(in: out)
      #expect(names == ["chart.svg"])
      #expect(try String(contentsOf: old, encoding: .utf8) == "old")
    }
  }

  @Test func successWithoutOutputIsAFailure() throws {
    let error = #expect(throws: FigureError.self) {
      try FigureRenderer(executable: "true").render(exampleChart, as: .pdf, named: "chart")
    }
    #expect(error == .incompleteOutput(figure: "chart", format: .pdf))
  }

  @Test(.needsGnuplot) func anUnusableDirectoryIsNamed() throws {
    try withTemporaryDirectory { directory in
      let file = directory.appendingPathComponent("file")
      try Data().write(to: file)
      let error = #expect(throws: FigureError.self) {
        try renderer.write(exampleChart, named: "chart", in: file)
      }
      let description = error?.description ?? ""
      #expect(description.hasPrefix("cannot access '\(file.path)': "))
      #expect(!description.contains("\n"))
    }
  }

  @Test func aFailedRenameRemovesWhatWasStaged() throws {
    try withTemporaryDirectory { directory in
      // A directory in the place of a file cannot be replaced by a rename.
      try FileManager.default.createDirectory(
        at: directory.appendingPathComponent("b"), withIntermediateDirectories: true)
      var files = try AtomicFiles(in: directory)
      files.stage(Data("2".utf8), as: "b")
      files.stage(Data("3".utf8), as: "c")
      #expect(throws: FigureError.self) { try files.commit() }
      let names = try fileNames(in: directory)
      #expect(names == ["b"])
    }
  }

  @Test func gnuplotComplaintsAreFoundAmongWarnings() {
    let errors = "\"s\" line 2: warning: odd\n\n\nfoo\n^\n\"s\" line 9: invalid command\n"
    #expect(GnuplotProcess.firstComplaint(in: errors) == "\"s\" line 9: invalid command")
    #expect(GnuplotProcess.firstComplaint(in: "") == "no message")
  }
}
