import Foundation
import Synchronization

/// The right of one process to work in a run directory: a `flock` on the file `.lock` there, which says who
/// holds it.
///
/// The system gives the lock back when a process ends, however it ends, so that of a dead process is simply
/// taken over. The file is removed with the lock. Within one process a directory may be opened again: both
/// share the lock, which goes with the last of them.
final class RunLock: Sendable {
  private static let fileName = ".lock"
  private let path: String
  private let descriptor: Int32

  private struct Held {
    weak var lock: RunLock?
  }
  private static let held = Mutex<[String: Held]>([:])

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    // Removed before it is given back: whoever waits for it then finds that it is no longer the file there.
    unlink(path)
    close(descriptor)
  }

  /// Takes the lock of a directory that exists.
  ///
  /// - Parameter name: what the user calls the directory, with the flag, for the refusal.
  /// - Throws: ``ExperimentError/usage(_:)`` where another process holds it, naming that, or where the
  ///   directory cannot be written.
  static func take(_ directory: URL, name: String) throws(ExperimentError) -> RunLock {
    let path = directory.resolvingSymlinksInPath().appendingPathComponent(fileName).path
    return try held.withLock { locks throws(ExperimentError) in
      if let own = locks[path]?.lock { return own }
      let lock = try opened(path, name: name)
      locks = locks.filter { $0.value.lock != nil }
      locks[path] = Held(lock: lock)
      return lock
    }
  }

  private static func opened(_ path: String, name: String) throws(ExperimentError) -> RunLock {
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
      guard descriptor >= 0 else {
        throw .usage("\(name): cannot be written, \(String(cString: strerror(errno)))")
      }
      guard try isTaken(descriptor, name: name) else { continue }
      var (open, there) = (stat(), stat())
      // Another process may have removed the file between the two calls.
      guard fstat(descriptor, &open) == 0, stat(path, &there) == 0, open.st_ino == there.st_ino,
        open.st_dev == there.st_dev
      else {
        close(descriptor)
        continue
      }
      let text = Array(Self.description.utf8)
      guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count
      else {
        let reason = String(cString: strerror(errno))
        unlink(path)
        close(descriptor)
        throw .usage("\(name): cannot be written, \(reason)")
      }
      return RunLock(path: path, descriptor: descriptor)
    }
  }

  /// Whether the lock was taken; false to try again. Closes the descriptor otherwise.
  private static func isTaken(_ descriptor: Int32, name: String) throws(ExperimentError) -> Bool {
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
    let trouble = errno
    defer { close(descriptor) }
    if trouble == EINTR { return false }
    guard trouble == EWOULDBLOCK else {
      throw .usage("\(name): cannot be locked, \(String(cString: strerror(trouble)))")
    }
    var buffer = [UInt8](repeating: 0, count: 512)
    let count = max(0, pread(descriptor, &buffer, buffer.count, 0))
    let holder = String(decoding: buffer[..<count], as: UTF8.self)
      .split(whereSeparator: \.isNewline).first.map(String.init)
    if holder?.hasPrefix("process \(getpid()) ") == true {
      // This process is giving it back just now.
      usleep(1000)
      return false
    }
    throw .usage(
      "\(name): \(holder ?? "another process") is working there; wait for it or choose another "
        + "directory")
  }

  private static var description: String {
    let host = ProcessInfo.processInfo.hostName
    let now = Date().formatted(.iso8601)
    return "process \(getpid()) on \(host), since \(now),\n"
  }

  /// Gives back all locks of a process that is about to end.
  static func removeAll() {
    held.withLock { locks in
      for entry in locks.values { if let lock = entry.lock { unlink(lock.path) } }
    }
  }
}
