# The service with one version of a model in it: it asks no registry. The context is a folder that holds what is kept.

ARG SERVING
FROM ${SERVING}
COPY kept /opt/nightshift/kept
ARG MODEL
ENV MODEL=${MODEL} SERVE_KEPT=/opt/nightshift/kept
