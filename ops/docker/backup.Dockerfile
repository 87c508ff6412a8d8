# MUTT with PostgreSQL's client programs, of the server's version, for `muttctl dr backup`:
# docker build -f ops/docker/backup.Dockerfile --build-arg MUTT_IMAGE=mutt:0.1.0 -t mutt-backup:0.1.0 .
ARG MUTT_IMAGE=mutt:0.1.0
# hadolint ignore=DL3006
FROM ${MUTT_IMAGE} AS mutt

FROM postgres:18-bookworm
RUN groupadd --gid 10001 mutt \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin mutt
# Python and whom it trusts; both images are of the same release of Debian.
COPY --from=mutt /usr/local /usr/local
COPY --from=mutt /etc/ssl/certs /etc/ssl/certs
COPY --from=mutt /usr/share/ca-certificates /usr/share/ca-certificates
COPY --from=mutt /opt/mutt /opt/mutt
ENV PATH=/opt/mutt/venv/bin:/usr/local/bin:/usr/lib/postgresql/18/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/mutt/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/mutt/app
# If a library were missing, the build would end here.
RUN ldconfig \
 && python -c "import ssl" && muttctl dr backup --help && psql --version && pg_basebackup --version \
 && pg_verifybackup --version && pg_dump --version && pg_restore --version
USER 10001:10001
ENTRYPOINT ["python", "-m", "ops.docker.run"]
CMD ["backup", "--help"]
