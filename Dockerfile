# One image for every subcommand of reviewstream: docker build -t reviewstream:local .
#
# --build-arg ACCELERATOR=gpu adds the CUDA and cuDNN libraries (1.3 GB to download); the host then needs only NVIDIA's driver
# and its container toolkit. Releases of onnxruntime-gpu after 1.26 build on CUDA 13, whose drivers start at 580; for an older
# driver add --build-arg ONNXRUNTIME_VERSION="<1.27".
ARG PYTHON=3.12
ARG ACCELERATOR=cpu

# The dependencies are a layer of their own, so that a change of our code does not install them again.
FROM python:${PYTHON}-slim AS dependencies-cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/reviewstream
WORKDIR /build
COPY pyproject.toml .
# With what `serve` needs: one image is every process.
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
    print(*project['dependencies'], *project['optional-dependencies']['serve'], sep='\n')" > requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip /opt/reviewstream/bin/pip install --requirement requirements.txt

# The extras of onnxruntime-gpu name the NVIDIA libraries that fit it; it is installed already and keeps its version.
FROM dependencies-cpu AS dependencies-gpu
ARG ONNXRUNTIME_VERSION=""
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/reviewstream/bin/pip install "onnxruntime-gpu[cuda,cudnn]${ONNXRUNTIME_VERSION}"

# COPY --from takes no variable; FROM does.
FROM dependencies-${ACCELERATOR} AS dependencies

FROM dependencies-cpu AS wheel
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip pip wheel --no-deps --wheel-dir /wheel .

FROM python:${PYTHON}-slim
# A number rather than a name in USER: an orchestrator can see that it is not root.
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin reviewstream
COPY --from=dependencies /opt/reviewstream /opt/reviewstream
# onnxruntime looks for CUDA where the system's loader looks, which is not inside Python packages. A CPU image has none.
RUN find /opt/reviewstream -type d -path "*/site-packages/nvidia/*/lib" > /etc/ld.so.conf.d/nvidia-packages.conf && ldconfig
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    /opt/reviewstream/bin/pip install --no-cache-dir --no-index --no-deps /wheel/*.whl

# Unbuffered: a log line is in `docker logs` when it is written, also the last one before a crash.
ENV PATH=/opt/reviewstream/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /tmp
STOPSIGNAL SIGTERM
ENTRYPOINT ["reviewstream"]
CMD ["--help"]
