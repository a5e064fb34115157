import Foundation

/// Writes figures: every format asked for, and the CSV of what is drawn beside them.
///
/// The same figure gives the same bytes with the same gnuplot. Files appear by rename, and only
/// after every format has been drawn: a failure leaves older files as they were.
package struct FigureRenderer: Sendable {
  /// gnuplot's name on `PATH`, or its path.
  package var executable: String
  /// The formats ``write(_:named:in:)`` produces.
  package var formats: [FigureFormat]

  package init(executable: String = "gnuplot", formats: [FigureFormat] = [.svg, .pdf]) {
    self.executable = executable
    self.formats = formats
  }

  /// Whether the executable exists.
  package var isAvailable: Bool {
    do throws(FigureError) { try check() } catch { return false }
    return true
  }

  /// - Throws: ``FigureError/gnuplotNotFound(executable:)`` where the executable does not exist.
  package func check() throws(FigureError) {
    _ = try GnuplotProcess(executable: executable).locate()
  }

  /// Writes `name.svg`, `name.pdf`, … and `name.csv` (or `name-a.csv`, `name-b.csv`, … for panels).
  ///
  /// - Parameters:
  ///   - figure: What to draw.
  ///   - name: The file name without extension.
  ///   - directory: Created when missing.
  /// - Returns: The names of the files, relative to `directory`.
  /// - Throws: ``FigureError``.
  @discardableResult
  package func write(
    _ figure: some Figure, named name: String, in directory: URL
  ) throws(FigureError) -> FigureFiles {
    precondition(!name.isEmpty && !name.contains("/"), "a figure's name is a file name")
    var written = FigureFiles(name: name, images: [:], tables: [])
    var images: [(String, Data)] = []
    for format in formats {
      images.append(("\(name).\(format.rawValue)", try render(figure, as: format, named: name)))
      written.images[format] = "\(name).\(format.rawValue)"
    }
    var files = try AtomicFiles(in: directory)
    for (fileName, data) in images { files.stage(data, as: fileName) }
    for table in figure.tables {
      let fileName = "\(name)\(table.suffix).csv"
      files.stage(Data(table.csv.text.utf8), as: fileName)
      written.tables.append(fileName)
    }
    try files.commit()
    return written
  }

  /// Writes the numbers of a figure alone, as ``write(_:named:in:)`` does beside the figure.
  package static func writeTables(
    of figure: some Figure, named name: String, in directory: URL
  ) throws(FigureError) {
    var files = try AtomicFiles(in: directory)
    for table in figure.tables {
      files.stage(Data(table.csv.text.utf8), as: "\(name)\(table.suffix).csv")
    }
    try files.commit()
  }

  /// The bytes of `figure` in one format. `name` appears in error messages only.
  package func render(
    _ figure: some Figure, as format: FigureFormat, named name: String = "figure"
  ) throws(FigureError) -> Data {
    var script = PlotScript(format: format, canvas: figure.preferredSize)
    figure.draw(in: PlotFrame(size: figure.preferredSize), on: &script)
    let output = try GnuplotProcess(executable: executable).output(of: script, figure: name)
    switch format {
    case .svg:
      let text = SVGDocument(gnuplotOutput: String(decoding: output, as: UTF8.self)).text
      return Data(text.utf8)
    case .pdf: return Self.withoutCreationDate(output)
    case .png: return output
    }
  }

  /// The same document created at the epoch. The replacement has the length of the original, so
  /// that the offsets in the cross-reference table stay valid.
  static func withoutCreationDate(_ pdf: Data) -> Data {
    var pdf = pdf
    let key = Data("/CreationDate (D:".utf8)
    guard let start = pdf.range(of: key, options: .backwards)?.upperBound,
      let end = pdf[start...].firstIndex(of: UInt8(ascii: ")"))
    else { return pdf }
    let epoch = Array("19700101000000".utf8)
    for index in start..<end {
      let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(pdf[index])
      let offset = index - start
      if offset < epoch.count {
        pdf[index] = epoch[offset]
      } else if isDigit {
        pdf[index] = UInt8(ascii: "0")
      }
    }
    return pdf
  }
}
