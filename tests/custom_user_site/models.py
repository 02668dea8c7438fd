from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models


class Accounts(BaseUserManager["Account"]):
    def create_user(self, email, password=None, **more):
        account = self.model(email=email, **more)
        account.set_password(password)
        account.save(using=self._db)
        return account

    create_superuser = create_user


class Account(AbstractBaseUser, PermissionsMixin):
    """A user model without an id, a username and an `is_active`."""

    account_id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_column="Account")
    email = models.EmailField(unique=True)
    is_staff = models.BooleanField(default=False)
    conversations = models.PositiveIntegerField(default=0)  # with our sales people
    preferences = models.JSONField(default=dict)

    objects = Accounts()
    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class Gadget(models.Model):
    """Something that an account has bought."""

    owner = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="devices")

    def __str__(self) -> str:
        return str(self.pk)


class Stock(models.Model):
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.count)
