import Certification
import Foundation
import Testing

@testable import Experiments
@testable import Runs
@testable import Studies

/// Radii from both sides as results keep them.
@Suite struct TwoSidedRadiiTests {
  func sample(
    _ index: Int, _ lower: Double, _ upper: Double, _ status: CertifiedRadius.Status = .bounded,
    attacked: Double? = nil
  ) -> TwoSidedRadii.Sample {
    TwoSidedRadii.Sample(
      index: index, label: 0, lower: lower, upper: upper, status: status, nodes: 1,
      attacked: attacked ?? upper, smoothed: nil)
  }

  private var radii: TwoSidedRadii {
    TwoSidedRadii(
      p: 3, seed: 0,
      samples: [
        sample(0, 0, 0, .misclassified), sample(1, 0.5, 0.5, .exact), sample(2, 0.3, 0.6),
        sample(3, 0.2, .infinity),
      ])
  }

  @Test func accuracies() {
    #expect(radii.certifiedAccuracy(0) == 0.75 && radii.attackedAccuracy(0) == 0.75)
    #expect(radii.certifiedAccuracy(0.3) == 0.25 && radii.attackedAccuracy(0.3) == 0.75)
    #expect(radii.certifiedAccuracy(0.5) == 0 && radii.attackedAccuracy(0.5) == 0.5)
    #expect(radii.attackedAccuracy(1e9) == 0.25)
    // Gaps 0, 1/2 and 1 of the samples classified correctly.
    #expect(radii.medianGap == 0.5 && radii.exactShare == 1.0 / 3)
    #expect(radii.smoothedAccuracy(0.1) == nil && radii.abstainedShare == nil)
    #expect(radii.violations().isEmpty)
  }

  @Test func whatContradictsItselfIsSaid() {
    // A longer attack finds less than what is proved of sample 2.
    #expect(radii.violations(of: [0, 0.5, 0.31, 0.4]).isEmpty)
    let found = radii.violations(of: [0, 0.5, 0.29, 0.4])
    #expect(found.count == 1 && found[0].contains("sample 2") && found[0].contains("p = 3"))
    for bad in [sample(0, 0.5, 0.4), sample(0, 0.5, 0.5, attacked: 0.4)] {
      #expect(TwoSidedRadii(p: 1, seed: 0, samples: [bad]).violations().count == 1)
    }
    // Single precision of a perturbation is no contradiction.
    let close = sample(0, 0.5, 0.5, attacked: 0.5 * (1 - 5e-7))
    #expect(TwoSidedRadii(p: 1, seed: 0, samples: [close]).violations().isEmpty)
  }

  @Test func figureShadesBetweenTheCurvesItDraws() throws {
    let report = TwoSidedReport([radii], settings: TwoSidedSettings(samples: 4, nodes: 1))
    let table = try #require(report.figure(references: []).tables.first).csv.text
    let rows = table.split(separator: "\n").dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let attacked = rows.filter { $0[1] == "attacked" }
    let certified = rows.filter { $0[1] == "certified" }
    #expect(attacked.count == certified.count && attacked.count > 100)
    for (upper, lower) in zip(attacked, certified) {
      // kind, label, x, y, lower, upper
      #expect(upper[2] == lower[2] && upper[4] == lower[3] && upper[5] == upper[3])
    }
    #expect(report.summary.text.contains("from both sides"))
    #expect(report.summary.rows[0].curve.count == 21)
  }
}
