#!/bin/sh
# ffmpeg for the muxer of node-rtsp-stream, whose first arguments are always `-i URL`: what stands before them says that
# URL, `pipe:0`, is a list with the address of a stream (drivers/contract/stream.ts, which has the same arguments).
exec ffmpeg -f concat -safe 0 -protocol_whitelist pipe,rtsp,rtsps,rtp,srtp,udp,tcp,tls,crypto "$@"
