import Figures
import Runs

/// Draws figures into a run directory. One that cannot be drawn is missing from the report, with a warning; its
/// numbers are there.
struct FigureSink {
  let directory: RunDirectory
  /// Where the figures lie, seen from the report.
  let link: String
  var renderer = FigureRenderer()

  /// Says before the work that figures will be missing, where they will be.
  static func warnIfFiguresWillBeMissing() {
    do throws(FigureError) { try FigureRenderer().check() } catch {
      ProgressReporter.warn("\(error); figures will be missing from the report")
    }
  }

  /// Draws a figure; returns it for the report.
  func figure(_ figure: some Figure, _ name: String, caption: Prose, alternative: String)
    throws(ExperimentError) -> Report.Block
  {
    let folder = try directory.folder("figures")
    do {
      let files: FigureFiles
      do throws(FigureError) {
        files = try renderer.write(figure, named: name, in: folder)
      } catch  where error.isOfDrawing {
        // That gnuplot is missing was said before.
        if renderer.isAvailable { ProgressReporter.warn("\(error)") }
        try FigureRenderer.writeTables(of: figure, named: name, in: folder)
        return .warning(
          "The figure \(code: name) could not be drawn; its numbers are in "
            + "\(code: "\(link)/\(name)*.csv").")
      }
      return .figure(
        try .init(
          files, in: folder, linkedAs: link, caption: caption, alternative: alternative))
    } catch { throw ExperimentError(error) }
  }
}
