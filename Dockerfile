# syntax=docker/dockerfile:1
# Two static binaries and the authorities of the internet; nothing else, and nobody is root.
FROM --platform=$BUILDPLATFORM golang:1.26-alpine AS build
# git, for the version and revision that the binaries tell of themselves.
RUN apk add --no-cache ca-certificates git && git config --global --add safe.directory /src
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -tags grpcnotrace -trimpath -ldflags "-s -w" -o /out/ ./cmd/worker ./cmd/publisher

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/worker /out/publisher /usr/local/bin/
ENV PATH=/usr/local/bin
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/worker"]
