import Foundation

/// How many processors this process may use: what decides the default of the number of threads.
///
/// The least of what its affinity allows (`taskset`, `numactl`), of the CPU quota of its cgroup and those above
/// (containers; version 1 and 2, rounded up), and of `SLURM_CPUS_PER_TASK`; at least 1.
enum AvailableProcessors {
  /// The number for this process.
  static func count() -> Int {
    count(
      affinity: affinity() ?? ProcessInfo.processInfo.activeProcessorCount,
      quota: ControlGroups { try? String(contentsOfFile: $0, encoding: .utf8) }.quota(),
      slurm: ProcessInfo.processInfo.environment["SLURM_CPUS_PER_TASK"])
  }

  /// The least of the three.
  ///
  /// - Parameters:
  ///   - quota: processors' worth of time; nil for no limit.
  ///   - slurm: the text of the variable; what is no positive integer does not count.
  static func count(affinity: Int, quota: Double?, slurm: String?) -> Int {
    var count = max(1, affinity)
    if let quota, quota > 0, quota < Double(count) {
      count = max(1, Int(saturating: quota.rounded(.up)))
    }
    if let slurm = slurm.flatMap({ Int($0) }), slurm >= 1 { count = min(count, slurm) }
    return count
  }

  /// The processors that the scheduler may put this process on; nil where the system does not say.
  private static func affinity() -> Int? {
    #if os(Linux)
      // GNU C hides it from programs that do not ask for extensions, as Swift's module of it does not.
      guard let symbol = dlsym(nil, "sched_getaffinity") else { return nil }
      typealias Function = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32
      let getAffinity = unsafeBitCast(symbol, to: Function.self)
      // The kernel refuses a set that is too small for its processors; 128 bytes are enough for 1,024.
      var bytes = 128
      while bytes <= 1 << 16 {
        var set = [UInt64](repeating: 0, count: bytes / 8)
        if getAffinity(0, bytes, &set) == 0 {
          let count = set.reduce(0) { $0 + $1.nonzeroBitCount }
          return count > 0 ? count : nil
        }
        bytes *= 2
      }
    #endif
    return nil
  }
}

/// The CPU quota of the control groups that a process is in.
struct ControlGroups {
  /// The text of a file; nil where there is none.
  let text: (String) -> String?

  /// Processors' worth of time, the least of all groups on the way to the root; nil for no limit.
  func quota() -> Double? {
    let mounts = mounts()
    var least: Double?
    for line in (text("/proc/self/cgroup") ?? "").split(separator: "\n") {
      // "0::/path" of version 2, "4:cpu,cpuacct:/path" of version 1.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let controllers = parts[1].split(separator: ",")
      let isUnified = parts[0] == "0" && controllers.isEmpty
      guard isUnified || controllers.contains("cpu") else { continue }
      for mount in mounts where mount.isUnified == isUnified {
        for folder in folders(of: String(parts[2]), in: mount) {
          let found = isUnified ? unified(folder) : separate(folder)
          if let found { least = min(least ?? found, found) }
        }
      }
    }
    return least
  }

  private struct Mount {
    let root: String
    let point: String
    let isUnified: Bool
  }

  /// Where control groups are mounted, of version 1 those of the CPU controller.
  private func mounts() -> [Mount] {
    (text("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap { line in
      // "36 35 98:0 /root /point options ... - type source options"
      let halves = String(line).components(separatedBy: " - ")
      guard halves.count == 2 else { return nil }
      let (first, second) = (halves[0].split(separator: " "), halves[1].split(separator: " "))
      guard first.count >= 5, second.count >= 3 else { return nil }
      let isUnified = second[0] == "cgroup2"
      let hasCPU = second[0] == "cgroup" && second[2].split(separator: ",").contains("cpu")
      guard isUnified || hasCPU else { return nil }
      return Mount(root: String(first[3]), point: String(first[4]), isUnified: isUnified)
    }
  }

  /// The folder of a group and those above it, up to the mount point.
  private func folders(of group: String, in mount: Mount) -> [String] {
    var parts = group.split(separator: "/").map(String.init)
    let root = mount.root.split(separator: "/").map(String.init)
    // Inside a container the path may be one of the host, of which only the mounted part is to be seen.
    if parts.starts(with: root) {
      parts.removeFirst(root.count)
    } else {
      parts = []
    }
    return (0...parts.count).map { length in
      ([mount.point] + parts.prefix(length)).joined(separator: "/")
    }
  }

  /// Version 2: "max 100000" or "150000 100000".
  private func unified(_ folder: String) -> Double? {
    let words = text(folder + "/cpu.max")?.split(whereSeparator: \.isWhitespace) ?? []
    guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]) else {
      return nil
    }
    return Self.share(quota, period)
  }

  /// Version 1: a quota of -1 is none.
  private func separate(_ folder: String) -> Double? {
    func number(_ name: String) -> Double? {
      text(folder + "/" + name)
        .flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
    guard let quota = number("cpu.cfs_quota_us"), let period = number("cpu.cfs_period_us") else {
      return nil
    }
    return Self.share(quota, period)
  }

  private static func share(_ quota: Double, _ period: Double) -> Double? {
    quota > 0 && period > 0 && quota.isFinite && period.isFinite ? quota / period : nil
  }
}
