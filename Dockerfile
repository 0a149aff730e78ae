# syntax=docker/dockerfile:1
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY docs/sbom.ts ./docs/
# The image has its own Node 24; all that runs is a production dependency with its binaries inside.
RUN npm ci --omit=dev
# What is in the image, for who must know (CycloneDX).
RUN npm run --silent sbom > sbom.cdx.json

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# For live pictures, clips and streams.
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/sbom.cdx.json ./
COPY package.json ./
COPY gateway ./gateway
COPY drivers ./drivers
COPY config ./config
COPY simulators ./simulators
# dialout: serial ports. The data folder is the journal: keep it on a volume.
RUN usermod -aG dialout node && mkdir -p /data && chown node:node /data
USER node
VOLUME /data
# The config sets `dataDir: /data` and `status: { port: 9464 }`.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "gateway/campus-gateway.js", "health", "/etc/campus-gateway/campus.yaml"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "gateway/campus-gateway.js"]
CMD ["run", "/etc/campus-gateway/campus.yaml"]
