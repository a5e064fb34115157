import Foundation

/// An exclusive lock on a folder, so that two fetches never write the same files. The system
/// releases it when the process ends, however it ends.
final class FolderLock {
  private let descriptor: Int32

  /// Takes the lock of `folder`; if another has it, calls `waiting` once and waits.
  init(folder: String, waiting: () -> Void) throws(FetchError) {
    let path = folder + "/.lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw .local(path: path, problem: "cannot be opened: \(String(cString: strerror(errno)))")
    }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
    if errno == EWOULDBLOCK { waiting() }
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else {
        throw .local(path: path, problem: "cannot be locked: \(String(cString: strerror(errno)))")
      }
    }
  }

  deinit { close(descriptor) }
}
