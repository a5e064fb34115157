#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What of the machine's memory this process may still take, so that a file which asks for more is refused
/// in one line instead of ending the program.
package enum MemoryBudget {
  /// Smaller requests are not worth a look.
  private static let negligible = 1 << 26

  /// Who has an array in memory makes copies of it: in another type, of a part, while attacking.
  private static let copies = 3

  /// Bytes: the least of what the machine has free, what its control group allows, and what a limit of the
  /// address space leaves.
  package static var available: Int {
    var least = Int.max
    for line in text("/proc/meminfo").split(separator: "\n") where line.hasPrefix("MemAvailable:") {
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
      least = min(least, saturated(kibibytes ?? Int.max, 1024))
    }
    if let limit = number("/sys/fs/cgroup/memory.max"),
      let used = number("/sys/fs/cgroup/memory.current")
    {
      least = min(least, max(0, limit - used))
    }
    var limit = rlimit()
    if getrlimit(addressSpace, &limit) == 0, let bytes = Int(exactly: limit.rlim_cur) {
      let pages = text("/proc/self/statm").split(separator: " ").first.flatMap { Int($0) } ?? 0
      least = min(least, max(0, bytes - saturated(pages, sysconf(Int32(_SC_PAGESIZE)))))
    }
    return least
  }

  /// Throws unless an array of so many bytes, and the copies that working with it takes, fit into memory.
  ///
  /// - Parameters:
  ///   - what: what needs the memory, for the error.
  ///   - path: the file it comes from.
  package static func check(_ bytes: Int, for what: String, path: String) throws(FormatError) {
    if let problem = problem(bytes) { throw FormatError(path: path, "\(what) \(problem)") }
  }

  /// What is wrong with needing so many bytes, as "needs … but …"; nil where they are to be had.
  package static func problem(_ bytes: Int) -> String? {
    guard bytes > negligible else { return nil }
    let free = available
    let needed = saturated(bytes, copies)
    guard needed > free else { return nil }
    return "needs about \(needed >> 20) MiB of memory to work with, but \(free >> 20) MiB are free"
  }

  /// `RLIMIT_AS`, whose type the C libraries do not agree on.
  private static var addressSpace: Int32 {
    #if canImport(Glibc)
      Int32(truncatingIfNeeded: RLIMIT_AS.rawValue)
    #else
      RLIMIT_AS
    #endif
  }

  /// The product of numbers of at least 0, or the largest number.
  private static func saturated(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? .max : product
  }

  /// The number that a file of the system holds; nil for "max" and for no such file.
  private static func number(_ path: String) -> Int? {
    Int(text(path).prefix { $0.isNumber })
  }

  /// The start of a file of the system, empty where there is none.
  private static func text(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
