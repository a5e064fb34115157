/// A data set that can be fetched: its files, and the mirrors that have them.
struct RemoteDataset: Sendable {
  /// One gzip file. What counts is its contents, as mirrors compress them differently; of an archive of
  /// which only the sum of the whole file is published, that file.
  struct File: Sendable {
    /// The name on the mirrors and in the cache.
    let name: String
    /// The MD5 sum that is published, in hexadecimal digits.
    let md5: String
    /// What the sum is of.
    let measure: Measure
    /// About the size of the compressed file in bytes, for progress.
    let compressedBytes: Int

    /// What a published sum is of.
    enum Measure: Sendable, Equatable {
      /// The uncompressed contents, of so many bytes.
      case contents(bytes: Int)
      /// The compressed file itself, of exactly `compressedBytes`.
      case file
    }

    /// A file whose published sum is that of its uncompressed contents.
    init(name: String, contentMD5: String, contentBytes: Int, compressedBytes: Int) {
      self.name = name
      md5 = contentMD5
      measure = .contents(bytes: contentBytes)
      self.compressedBytes = compressedBytes
    }

    /// A file whose published sum is that of the file itself.
    init(name: String, fileMD5: String, fileBytes: Int) {
      self.name = name
      md5 = fileMD5
      measure = .file
      compressedBytes = fileBytes
    }

    /// More than the file can take; a longer answer is something else.
    var maximumBytes: Int {
      switch measure {
      case .contents(let bytes): bytes + bytes / 1000 + 4096
      case .file: compressedBytes
      }
    }
  }

  /// The name in ``DatasetCatalog``.
  let name: String
  /// Base addresses, the first to be tried first.
  let mirrors: [String]
  /// Small files first: a bad mirror is soon found out.
  let files: [File]

  /// Every data set that can be fetched.
  static let all = [mnist, fashionMNIST, cifar10]

  /// The sums are those published for the uncompressed files.
  static let mnist = RemoteDataset(
    name: "mnist",
    mirrors: [
      "https://ossci-datasets.s3.amazonaws.com/mnist/",
      "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ],
    files: [
      File(
        name: "t10k-labels-idx1-ubyte.gz", contentMD5: "27ae3e4e09519cfbb04c329615203637",
        contentBytes: 10_008, compressedBytes: 4_542),
      File(
        name: "train-labels-idx1-ubyte.gz", contentMD5: "a25bea736e30d166cdddb491f175f624",
        contentBytes: 60_008, compressedBytes: 28_881),
      File(
        name: "t10k-images-idx3-ubyte.gz", contentMD5: "2646ac647ad5339dbf082846283269ea",
        contentBytes: 7_840_016, compressedBytes: 1_648_877),
      File(
        name: "train-images-idx3-ubyte.gz", contentMD5: "6bbc9ace898e44ae57da46a324031adb",
        contentBytes: 47_040_016, compressedBytes: 9_912_422),
    ])

  /// The sums published are those of the gzip files: bb300cfdad3c16e7a12a480ee83cd310,
  /// 25c81989df183df01b3e8a0aad5dffbe, bef4ecab320f06d8554ea6380940ec79 and
  /// 8d4fb7e6c68d591d4c3dfef9ec88bf0d in the order below. These contents give them: the files of
  /// Debian's package with the published names and times in their gzip headers have these sums.
  static let fashionMNIST = RemoteDataset(
    name: "fashion-mnist",
    mirrors: [
      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
      "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ],
    files: [
      File(
        name: "t10k-labels-idx1-ubyte.gz", contentMD5: "15d484375f8d13e6eb1aabb0c3f46965",
        contentBytes: 10_008, compressedBytes: 5_148),
      File(
        name: "train-labels-idx1-ubyte.gz", contentMD5: "9018921c3c673c538a1fc5bad174d6f9",
        contentBytes: 60_008, compressedBytes: 29_515),
      File(
        name: "t10k-images-idx3-ubyte.gz", contentMD5: "8181f5470baa50b63fa0f6fddb340f0a",
        contentBytes: 7_840_016, compressedBytes: 4_422_102),
      File(
        name: "train-images-idx3-ubyte.gz", contentMD5: "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        contentBytes: 47_040_016, compressedBytes: 26_421_880),
    ])

  /// The archive of the binary version, with the sum that its author publishes beside it.
  static let cifar10 = RemoteDataset(
    name: "cifar10", mirrors: ["https://www.cs.toronto.edu/~kriz/"],
    files: [
      File(
        name: "cifar-10-binary.tar.gz", fileMD5: "c32a1d4ab5d03f1284b67883e8d87530",
        fileBytes: 170_052_171)
    ])
}
