import LinearCore

/// When a search ends.
public struct SearchBudget: Sendable, Equatable {
  /// The relative gap (upper - lower) / upper at which a radius counts as known.
  public var gap: Double
  /// Boxes looked at for one sample and opponent: a limit that does not depend on the machine. In more than
  /// 32 dimensions, where a box takes longer, there are fewer; see ``nodes(dimension:)``.
  public var nodes: Int
  /// Seconds for one sample. A search that it ends is the only thing that depends on the machine's speed.
  public var seconds: Double
  /// How far to look where no perturbation is known, in the units of the data; nil for twice the distance from the
  /// center, or where a bias is outweighed for certain.
  public var maximumRadius: Double?

  /// Boxes for a search that seconds are to end: minutes of them, and no more than memory holds.
  public static var asManyAsThereIsTimeFor: Int { 1_000_000 }

  /// A budget; a search ends at whichever limit it meets first.
  public init(
    gap: Double = 1e-3, nodes: Int = 20_000, seconds: Double = .infinity,
    maximumRadius: Double? = nil
  ) {
    precondition(gap > 0 && gap < 1 && nodes > 0 && seconds > 0, "a budget to search with")
    precondition(maximumRadius.map { $0 > 0 && $0.isFinite } ?? true, "a radius to search")
    self.maximumRadius = maximumRadius
    self.gap = gap
    self.nodes = nodes
    self.seconds = seconds
  }

  /// Boxes for a reduced network of so many dimensions: nodes (32 / dimension)^2 beyond 32.
  public func nodes(dimension: Int) -> Int {
    if dimension <= 32 { return nodes }
    let ratio = 32 / Double(dimension)
    return max(1, Int(saturating: Double(nodes) * ratio * ratio))
  }
}
