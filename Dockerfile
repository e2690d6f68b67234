# One image for every process of ours; which one it is, the command says.
FROM python:3.13.1-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.txt requirements/run.txt requirements/
RUN python -m venv /opt/quxun \
 && /opt/quxun/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt -r requirements/run.txt
COPY . .
RUN /opt/quxun/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13.1-slim-bookworm
RUN groupadd --system --gid 10001 quxun \
 && useradd --system --uid 10001 --gid quxun --home-dir /var/lib/quxun --create-home quxun \
 && mkdir /srv/feeds /var/lib/quxun/sent && chown quxun:quxun /srv/feeds /var/lib/quxun/sent
COPY --from=build /opt/quxun /opt/quxun
ENV PATH=/opt/quxun/bin:$PATH PYTHONUNBUFFERED=1 QUXUN_HOME=/var/lib/quxun QUXUN_HOST=0.0.0.0
USER quxun
WORKDIR /var/lib/quxun
EXPOSE 8000
# The web server's; docker-compose.yml says what the other processes are asked.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD \
  ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]
ENTRYPOINT ["quxun"]
CMD ["web"]
