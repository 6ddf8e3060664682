# The service. Without PyTorch's CUDA libraries and with the embedding model, so that it runs without a network.
#
#   docker build --tag beliefgraph .
#   docker run --publish 127.0.0.1:8000:8000 --volume beliefgraph:/data beliefgraph
#   docker exec CONTAINER beliefgraph keys create --tenant acme --scope read --scope write
#
# Beside a Neo4j server: docker-compose.yml.
FROM python:3.12-slim AS build
ENV UV_TORCH_BACKEND=cpu UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
WORKDIR /source
COPY constraints.txt ./
RUN pip install --quiet --no-cache-dir --constraint constraints.txt uv && python -m venv --without-pip /opt/beliefgraph
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY graph ./graph
COPY ingest ./ingest
COPY queries ./queries
COPY api ./api
RUN uv pip install --quiet --python /opt/beliefgraph/bin/python --no-cache \
    --constraints constraints.txt --build-constraints constraints.txt '.[offline,neo4j,otel]'

FROM python:3.12-slim
COPY --from=build /opt/beliefgraph /opt/beliefgraph
RUN useradd --system --uid 10001 --home-dir /data --create-home beliefgraph
ENV PATH=/opt/beliefgraph/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BELIEFGRAPH_STORE=/data/beliefs.db \
    BELIEFGRAPH_API_KEYS=/data/keys.jsonl
USER beliefgraph
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
CMD ["beliefgraph", "serve", "--host", "0.0.0.0", "--port", "8000"]
