import Foundation
import Testing

@testable import LinearCore

/// Affinity, cgroup quota and SLURM decide how many threads there are by default.
@Suite struct AvailableProcessorsTests {
  @Test func theLeastCounts() {
    #expect(AvailableProcessors.count(affinity: 8, quota: nil, slurm: nil) == 8)
    #expect(AvailableProcessors.count(affinity: 1, quota: 4, slurm: "4") == 1)
    #expect(AvailableProcessors.count(affinity: 8, quota: 1.5, slurm: nil) == 2)
    #expect(AvailableProcessors.count(affinity: 8, quota: 0.05, slurm: nil) == 1)
    #expect(AvailableProcessors.count(affinity: 8, quota: 3, slurm: "2") == 2)
    #expect(AvailableProcessors.count(affinity: 8, quota: 1e300, slurm: "99") == 8)
    for text in ["", "0", "-3", "two", "2.5", "99999999999999999999"] {
      #expect(AvailableProcessors.count(affinity: 4, quota: nil, slurm: text) == 4, "\(text)")
    }
    #expect(AvailableProcessors.count(affinity: 0, quota: nil, slurm: nil) == 1)
    #expect(AvailableProcessors.count() >= 1)
  }

  private func quota(_ files: [String: String]) -> Double? {
    ControlGroups { files[$0] }.quota()
  }

  private static let unified =
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

  @Test func readsVersionTwo() {
    var files = [
      "/proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + Self.unified,
      "/proc/self/cgroup": "0::/user.slice/job\n",
      "/sys/fs/cgroup/user.slice/job/cpu.max": "max 100000\n",
    ]
    #expect(quota(files) == nil)
    files["/sys/fs/cgroup/user.slice/job/cpu.max"] = "150000 100000\n"
    #expect(quota(files) == 1.5)
    // A group cannot have more than the one it is in.
    files["/sys/fs/cgroup/user.slice/cpu.max"] = "50000 100000\n"
    #expect(quota(files) == 0.5)
    files["/sys/fs/cgroup/cpu.max"] = "max 100000"
    #expect(quota(files) == 0.5)
    files["/sys/fs/cgroup/user.slice/cpu.max"] = "junk\n"
    #expect(quota(files) == 1.5)
  }

  /// In a container the root of the group is what is mounted.
  @Test func readsVersionTwoInAContainer() {
    #expect(
      quota([
        "/proc/self/mountinfo": Self.unified, "/proc/self/cgroup": "0::/\n",
        "/sys/fs/cgroup/cpu.max": "200000 100000\n",
      ]) == 2)
    // Without a namespace of its own the path is that of the host.
    #expect(
      quota([
        "/proc/self/mountinfo":
          "30 23 0:26 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
        "/proc/self/cgroup": "0::/docker/ab\n", "/sys/fs/cgroup/cpu.max": "300000 100000\n",
      ]) == 3)
  }

  @Test func readsVersionOne() {
    var files = [
      "/proc/self/mountinfo":
        "33 29 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        + "34 29 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
      "/proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/job\n3:cpuset:/\n",
      "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
    ]
    #expect(quota(files) == nil)
    files["/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us"] = "250000\n"
    #expect(quota(files) == 2.5)
    files["/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"] = "100000\n"
    files["/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us"] = "100000\n"
    #expect(quota(files) == 1)
    files["/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us"] = "0\n"
    #expect(quota(files) == 1)
  }

  @Test func nothingThereIsNoLimit() {
    #expect(quota([:]) == nil)
    #expect(
      quota(["/proc/self/cgroup": "junk\n0::/a:b\n", "/proc/self/mountinfo": "- - -\n"]) == nil)
  }
}
