# The whole service in one image, built from a clone with nothing but a container builder:
#
#   docker build --tag async-orders .
#
# It takes a builder that knows `RUN --mount`: Docker 23 or later, Podman or Buildah. The image is of the platform that
# is asked for (`--platform linux/amd64`, `linux/arm64`), which the build runs on, as components are compiled ahead of
# time for the processor of the machine that does it. Who has the executable already takes `deploy/Dockerfile`, which
# makes the same image of it; `deploy/tests` sees that they end alike.

# As in `rust-toolchain.toml`.
FROM docker.io/library/rust:1.95.0-slim-bookworm AS build

# A C compiler for the C library that executables are linked with, which has no other files.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends musl-tools \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /source
COPY . .

# What was compiled is kept for the next build, and not in the image. `dist` sees that the executable serves an order.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
  --mount=type=cache,target=/source/target,sharing=locked \
  cargo --locked xtask dist \
  && mkdir /dist \
  && cp target/dist/wasm-shim /dist/wasm-shim

# An empty directory, for an image that has no `mkdir`. It is made one level down, because every builder
# gives what it copies to the user of `--chown`, but not every one the directory that it copies into.
FROM scratch AS directories
WORKDIR /image/state

FROM scratch

LABEL org.opencontainers.image.title="async-orders" \
      org.opencontainers.image.description="Accepts an order at once, works on it apart from the request" \
      org.opencontainers.image.licenses="Apache-2.0 WITH LLVM-exception"

COPY --from=directories --chown=65532:65532 /image/ /
# Root's, so that the service cannot change its own code.
COPY --from=build /dist/wasm-shim /wasm-shim

# By number: there is no `/etc/passwd`, and Kubernetes takes only a number for a proof of `runAsNonRoot`.
USER 65532:65532

# What is kept here goes with the container: mount a volume on it, or keep the store elsewhere by the
# runtime configuration.
WORKDIR /state

# SIGTERM, on which the service finishes its requests and hands back its orders, is the default signal.
EXPOSE 3000

# `health` gives up by itself after 5 s.
HEALTHCHECK --interval=10s --timeout=6s --start-period=5s --retries=3 \
  CMD ["/wasm-shim", "health", "http://127.0.0.1:3000/healthz"]

ENTRYPOINT ["/wasm-shim"]
CMD ["up", "--listen", "0.0.0.0:3000", "--state-dir", "/state"]
