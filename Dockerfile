# syntax=docker/dockerfile:1
# docker build -t campus-gateway:0.9.0 .      How it is run: docs/compose.yaml
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The image has its own Node 24; all that runs is a production dependency with its binaries inside.
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .
# What is in the image, for who must know (CycloneDX).
RUN npm run --silent sbom > sbom.cdx.json
# Plain JavaScript, as the other packages have it.
RUN node --disable-warning=ExperimentalWarning packaging/strip.ts

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# For live pictures, clips and streams.
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/sbom.cdx.json /app/package.json /app/CHANGELOG.md ./
COPY --from=build /app/dist ./dist
COPY --from=build /app/gateway/campus-gateway.js ./gateway/
RUN ln -s /app/gateway/campus-gateway.js /usr/local/bin/campus-gateway
# dialout: serial ports. The data folder is the journal: keep it on a volume.
RUN usermod -aG dialout node && install -d -m 0700 -o node -g node /data
USER node
VOLUME /data
# Over the socket in the data folder: no port needs to be open for it.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
  CMD ["campus-gateway", "health", "/etc/campus-gateway/campus.yaml"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["campus-gateway"]
CMD ["run", "/etc/campus-gateway/campus.yaml"]
