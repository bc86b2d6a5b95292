# A container with the program and nothing else: no shell, no package manager, not root.
# `packaging/build-image` builds it with docker, podman or buildah. The journal and the reports are on the volume
# /data: without a volume that stays, the next container would not know what was sent.

ARG RUST_VERSION=1.95
FROM rust:${RUST_VERSION}-alpine AS build
# Certificates for HTTPS, and time zones for exports that name one. Their versions are those of the base image.
# hadolint ignore=DL3018
RUN apk add --no-cache ca-certificates musl-dev tzdata
WORKDIR /src
COPY . .
RUN cargo build --release --locked \
    && install -D -m 0755 target/release/fprecon /image/usr/bin/fprecon \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && mkdir -p /image/usr/share \
    && cp -R /usr/share/zoneinfo /image/usr/share/ \
    && install -d -m 1777 /image/tmp \
    && install -d -m 0700 -o 65532 -g 65532 /image/data

FROM scratch
COPY --from=build /image/ /
# Who accepts something is recorded with this name.
ENV USER=fprecon
USER 65532:65532
WORKDIR /data
VOLUME /data
ENTRYPOINT ["/usr/bin/fprecon"]
CMD ["--help"]
