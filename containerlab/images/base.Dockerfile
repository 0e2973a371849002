# What both images of the labs stand on: a Debian with the programs that topologies call in their exec lines.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends iproute2 iputils-ping procps tcpdump nftables iptables \
 && rm -rf /var/lib/apt/lists/*
