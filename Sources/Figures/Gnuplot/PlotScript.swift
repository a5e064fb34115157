import Foundation

/// A gnuplot script in the making, with the data files it reads.
///
/// The script runs in a directory of its own, so data files have fixed names and no path of the
/// machine enters the output.
package struct PlotScript: Sendable {
  /// The format the script will be run for.
  package let format: FigureFormat
  /// The size of the whole canvas.
  package let canvas: FigureSize
  /// The commands so far.
  package private(set) var commands: [String] = []
  /// Data files by name.
  private(set) var files: [(name: String, data: Data)] = []

  /// The font whose widths gnuplot plans with.
  static let fontName = "DejaVu Sans"
  /// Nominal text height in pixels.
  static let fontSize = 12.0
  /// The extension-free name of the output.
  static let outputName = "figure"

  /// Starts a script with the terminal of `format`.
  init(format: FigureFormat, canvas: FigureSize) {
    self.format = format
    self.canvas = canvas
    add("set encoding utf8")
    add("set minussign")
    let font = "font \"\(Self.fontName)"
    switch format {
    case .svg:
      add(
        "set terminal svg size \(canvas.width),\(canvas.height) enhanced standalone rounded "
          + "background rgb \"white\" \(font),\(Self.fontSize)\"")
    case .pdf:
      add(
        "set terminal pdfcairo size \(canvas.width / 96)in,\(canvas.height / 96)in enhanced "
          + "rounded background rgb \"white\" fontscale 0.75 linewidth 1.33 "
          + "\(font),\(Self.fontSize * 0.75)\"")
    case .png:
      add(
        "set terminal pngcairo size \(canvas.width * 2),\(canvas.height * 2) enhanced rounded "
          + "background rgb \"white\" fontscale 2 linewidth 2 pointscale 2 "
          + "\(font),\(Self.fontSize * 0.75)\"")
    }
    add("set output \"\(Self.outputName).\(format.rawValue)\"")
    add("set multiplot")
  }

  package mutating func add(_ command: String) {
    commands.append(command)
  }

  /// Adds a data file and returns its name as a gnuplot string.
  package mutating func addFile(_ data: Data) -> String {
    let name = "data-\(files.count)"
    files.append((name, data))
    return "\"\(name)\""
  }

  /// Adds a matrix of values as a binary file, last row first as gnuplot draws from the bottom,
  /// and returns the data source of a `plot` clause.
  mutating func addMatrix(_ rows: [[Double]]) -> String {
    var data = Data(capacity: rows.count * (rows.first?.count ?? 0) * 4)
    for row in rows.reversed() {
      for value in row {
        withUnsafeBytes(of: Float(value).bitPattern.littleEndian) { data.append(contentsOf: $0) }
      }
    }
    let shape = "array=(\(rows.first?.count ?? 0),\(rows.count))"
    return "\(addFile(data)) binary \(shape) format=\"%float\" endian=little"
  }

  /// Starts drawing in `frame`: forgets earlier settings and draws the panel letter.
  package mutating func begin(_ frame: PlotFrame) {
    add("reset")
    add("set minussign")
    add("set origin \(frame.x / canvas.width),\(screenY(frame.y + frame.size.height))")
    add("set size \(frame.size.width / canvas.width),\(frame.size.height / canvas.height)")
    add("set border 3 linecolor rgb \"#555555\" linewidth 0.8")
    add("set tics out nomirror scale 0.5")
    add("set format \"%h\"")
    if let letter = frame.letter {
      precondition(letter.allSatisfy { $0.isLetter }, "a panel letter is a letter")
      add(
        "set label \"{/:Bold (\(letter))}\" at screen \(screenX(frame.x + 8)),"
          + "\(screenY(frame.y + 15)) left enhanced \(font(pixels: 13)) front")
    }
  }

  /// A font clause for a text height in pixels.
  func font(pixels: Double) -> String {
    // The SVG terminal counts in pixels, the others in points.
    "font \"\(Self.fontName),\(format == .svg ? pixels : pixels * 0.75)\""
  }

  /// A horizontal pixel position as a fraction of the canvas.
  func screenX(_ pixels: Double) -> Double { pixels / canvas.width }

  /// A vertical pixel position, from the top, as gnuplot's fraction from the bottom.
  func screenY(_ pixels: Double) -> Double { 1 - pixels / canvas.height }

  var text: String {
    (commands + ["unset multiplot", "unset output"]).joined(separator: "\n") + "\n"
  }
}
