import LinearCore
import Testing

@Suite struct RandomStreamTests {
  @Test func childrenDoNotDependOnConsumptionOrSiblings() {
    var parent = RandomStream(seed: 5)
    let before = parent.child("noise").child("rows", 3)
    for _ in 0..<10 { _ = parent.next() }
    _ = parent.child("other")
    var first = before
    var second = parent.child("noise").child("rows", 3)
    for _ in 0..<100 { #expect(first.next() == second.next()) }
  }

  @Test func differentNamesIndicesAndSeedsGiveDifferentStreams() {
    let root = RandomStream(seed: 0)
    var streams = [
      root, root.child("a"), root.child("b"), root.child("a", 0), root.child("a", 1),
      root.child("a").child("a"), RandomStream(seed: 1),
    ]
    var seen = Set<UInt64>()
    for i in streams.indices {
      for _ in 0..<1000 { seen.insert(streams[i].next()) }
    }
    #expect(seen.count == 7000)
  }
}
