import Formats
import Foundation
import LinearCore
import Networks
import Runs

/// The records of a flow, and what its neurons did, at times chosen or at steps spread evenly.
package struct FlowTrajectory: Sendable {
  /// The records, in the order of time.
  package private(set) var records: [FlowRecord] = []
  /// The neurons at the same times.
  package private(set) var neurons: [NeuronSnapshot] = []
  /// With no times chosen: a record every so many steps.
  package private(set) var stride = 1

  /// More records than this are thinned out, every second one going.
  private static var limit: Int { 240 }

  package init() {}

  init(records: [FlowRecord], neurons: [NeuronSnapshot], stride: Int) {
    self.records = records
    self.neurons = neurons
    self.stride = stride
  }

  /// Whether the state after so many steps is to be recorded.
  func isDue(step: Int) -> Bool { step % stride == 0 }

  /// Whether it can be that of a run, as far as numbers tell.
  ///
  /// - Parameter isThinned: see ``append(_:_:isThinned:)``.
  func isPlausible(width: Int, directions: Int, isThinned: Bool) -> Bool {
    let largest = 1 << 53
    return records.count <= (isThinned ? Self.limit : records.count)
      && (1...largest).contains(stride)
      && zip(records, records.dropFirst()).allSatisfy { $0.time < $1.time }
      && records.allSatisfy { $0.time >= 0 && (0...largest).contains($0.patternFlips) }
      && neurons.allSatisfy {
        $0.logContributions.count == width && $0.cosines.rows == width
          && $0.cosines.columns == directions
      }
  }

  /// Adds a record; thins out the earlier ones where `isThinned`.
  mutating func append(_ record: FlowRecord, _ snapshot: NeuronSnapshot, isThinned: Bool) {
    if let last = records.last, last.time >= record.time { return }
    records.append(record)
    neurons.append(snapshot)
    guard isThinned, records.count > Self.limit else { return }
    stride *= 2
    // The last record stays, whatever its number.
    let kept = records.indices.filter { ($0 - records.indices.last!) % 2 == 0 }
    for index in kept where index > 0 {
      records[index].patternFlips += records[index - 1].patternFlips
    }
    (records, neurons) = (kept.map { records[$0] }, kept.map { neurons[$0] })
  }

  /// Sets the distance of the last record, unless it has one.
  mutating func measureLastDistance(_ distance: () -> Double?) {
    guard let last = records.indices.last, records[last].idealDistance == nil else { return }
    records[last].idealDistance = distance()
  }
}
