class Cortop < Formula
  desc "Terminal monitor for EMOTIV EEG headsets"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license "MIT"

  on_macos do
    on_arm do
      url "@BASE_URL@/cortop-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@MAC_SHA256@"
    end
  end

  on_linux do
    on_intel do
      url "@BASE_URL@/cortop-@VERSION@-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "@LINUX_SHA256@"
    end
    on_arm do
      url "@BASE_URL@/cortop-@VERSION@-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "@LINUX_ARM_SHA256@"
    end
  end

  def install
    bin.install "bin/cortop"
    man1.install Dir["share/man/man1/*"]
    bash_completion.install "share/bash-completion/completions/cortop"
    zsh_completion.install "share/zsh/site-functions/_cortop"
    fish_completion.install "share/fish/vendor_completions.d/cortop.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/cortop --version")
  end
end
